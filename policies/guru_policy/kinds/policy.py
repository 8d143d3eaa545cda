"""What some devices should be: agent settings, checks and resources. Layers complete it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from guru_policy.bundle import Mode
from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.own_check import OWN_CHECK
from guru_policy.quantities import ItemId, PositiveDuration, shape

FieldPath = Annotated[
    str, StringConstraints(pattern=r"^(agent|checks|resources)(\.[A-Za-z0-9_-]+)*$", max_length=500),
    shape("path of a value"),
]
"""A path into the merged policy, such as `checks.disk.warn`."""

SECTIONS = ("agent", "checks", "resources")


def _not_the_agents_own(name: str) -> str:
    if name == OWN_CHECK:
        raise wrong(f"{OWN_CHECK} is the agent's own check", hint="an AlertRule may name it; a policy may not set it")
    return name


class AgentPart(Spec):
    """Settings of the agent; what is absent is inherited."""

    heartbeat: PositiveDuration | None = Field(default=None, description="how often it reports; built in: 60s")
    converge: PositiveDuration | None = Field(
        default=None, description="how often it looks for drift; built in: 5m")
    facts: PositiveDuration | None = Field(
        default=None, description="how often it reports what the machine is; built in: 1h")


class Policy(Spec):
    """What devices are to be like, and what is looked at on them. Checks and resources are maps by id."""

    selector: SelectorText = Field(default="", description="only the devices that match")
    mode: Mode | None = Field(
        default=None, description="`observe` or `enforce`, for the resources that this policy speaks of")
    enforced: tuple[FieldPath, ...] = Field(
        default=(), description="paths, such as `checks.disk`, that no nearer policy may change")
    agent: AgentPart = Field(
        default=AgentPart(), description="`heartbeat`, `converge` and `facts`: how often the agent does what")
    checks: dict[Annotated[ItemId, AfterValidator(_not_the_agents_own)], dict[str, JsonValue]] = Field(
        default={}, description="by id: `kind`, `every` (60s), and the fields of the kind")
    resources: dict[ItemId, dict[str, JsonValue]] = Field(
        default={}, description="by id: `kind`, `after` (ids of others), `observe`, and the fields of the kind")
