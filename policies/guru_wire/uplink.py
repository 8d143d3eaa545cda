"""What agents report, by Item kind: layout, sample, report, facts, checks, refusal. Times are ms UTC.

What they report of jobs, the kinds `output` and `run`, is in guru_wire.running; the kind `inventory` in
guru_wire.inventory.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from guru_policy.inventory import Scalar
from guru_policy.model import Carried
from guru_policy.verdict import Verdict

RESULT_KINDS = frozenset(               # never dropped for room
    {"report", "facts", "checks", "refusal", "layout", "output", "run", "inventory"})
MAX_METRICS = 256
MAX_FACTS, MAX_SERVICES = 512, 2000
Whole = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]            # what a database can hold


class Layout(Carried):
    """An interned list of metric names, sent before the first sample that uses it.

    `hash` is the first 16 hex digits of SHA-256 over the names joined by newlines.
    """

    hash: str
    metrics: tuple[str, ...] = Field(max_length=MAX_METRICS)


# A sample's body is positional, about 150 bytes for 20 metrics: [layout hash, ts, [value | null, ...]]


class ServiceState(Carried):
    """A service as the platform names it."""

    name: str
    running: bool
    enabled: bool | None = None


class Facts(Carried):
    """What the agent says of its machine; the server never lets a fact decide trust."""

    at: Whole
    # Flat: os, os_version, hostname, arch, cpus, ram_gb, ip, role, ...
    facts: dict[str, Scalar] = Field(max_length=MAX_FACTS)
    services: tuple[ServiceState, ...] = Field(default=(), max_length=MAX_SERVICES)


class CheckResult(Carried):
    """One check's verdict, sent when its state changes and at least every 15 minutes."""

    check: str
    at: Whole
    since: Whole                        # when the state last changed
    verdict: Verdict


class Checks(Carried):
    """Some checks' verdicts."""

    results: tuple[CheckResult, ...]


class Change(StrEnum):
    """Why a resource was changed, in Puppet's words."""

    intentional = "intentional"         # the desired state changed
    corrective = "corrective"           # the device drifted
    suppressed = "suppressed"           # observe mode, or a maintenance window: would have changed


class ResourceOutcome(StrEnum):
    """How a resource stands after a run."""

    same = "same"
    changed = "changed"
    drifted = "drifted"                 # observe mode or a maintenance window, and it differs
    failed = "failed"
    skipped = "skipped"                 # something it comes after failed
    unsupported = "unsupported"         # this agent lacks the kind, or the platform does


class ResourceReport(Carried):
    """One resource after a run; `steps` are sentences, bounded and free of secrets."""

    id: str
    kind: str
    outcome: ResourceOutcome
    change: Change | None = None
    steps: tuple[str, ...] = ()
    message: str = ""


class Report(Carried):
    """One convergence run. Sent when anything changed or differs from the run before."""

    run: str                            # 32 hex digits, made by the agent
    serial: Whole
    revision: str
    bundle: str
    started_at: Whole
    finished_at: Whole
    cause: Literal["manifest", "interval", "start", "request"]
    converged: bool                     # every resource is as it should be (observe mode: or drifted)
    resources: tuple[ResourceReport, ...] = ()
    blocked: tuple[str, ...] = ()       # maintenance windows that were open: nothing was changed; since LANGUAGE 5
    blocked_until: Whole | None = None  # when the last of them closes


class Refusal(Carried):
    """A manifest or blob the agent would not take, and why."""

    at: Whole
    code: str
    message: str
    serial: Whole | None = None


ItemBody = Layout | Facts | Checks | Report | Refusal
SampleBody = tuple[str, int, tuple[float | None, ...]]
JsonBody = JsonValue
