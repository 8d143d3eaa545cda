"""What some devices should be: agent settings, checks and resources. Layers complete it."""

from __future__ import annotations

from typing import Annotated

from pydantic import JsonValue, StringConstraints

from guru_policy.bundle import Mode
from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.quantities import ItemId, PositiveDuration

FieldPath = Annotated[
    str, StringConstraints(pattern=r"^(agent|checks|resources)(\.[A-Za-z0-9_-]+)*$", max_length=500)
]
"""A path into the merged policy, such as `checks.disk.warn`."""

SECTIONS = ("agent", "checks", "resources")


class AgentPart(Spec):
    """Settings of the agent; what is absent is inherited."""

    heartbeat: PositiveDuration | None = None
    converge: PositiveDuration | None = None
    facts: PositiveDuration | None = None


class Policy(Spec):
    """Checks and resources are maps by id; `guru_policy.objects.items` reads their entries."""

    selector: SelectorText = ""
    mode: Mode | None = None
    enforced: tuple[FieldPath, ...] = ()
    agent: AgentPart = AgentPart()
    checks: dict[ItemId, dict[str, JsonValue]] = {}
    resources: dict[ItemId, dict[str, JsonValue]] = {}
