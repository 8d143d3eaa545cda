"""What people's programs and the server say to each other under /api/v1. Times are ms UTC; fields only grow.

Every answer is an object with apiVersion. Errors are application/problem+json (RFC 9457) with the members
of Problem. Lists are pages: `next` is an opaque cursor, absent on the last page.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import Field, JsonValue

from guru_policy.inventory import Scalar
from guru_policy.model import Asked, Carried
from guru_wire.access import RightsDiffer, RoleHeld
from guru_wire.admission import EnrolTokenRow, Held, WithheldRow
from guru_wire.overriding import OverrideRow
from guru_wire.planning import ExactPlan, Impact
from guru_wire.uplink import CheckResult, ResourceReport, ServiceState

ItemT = TypeVar("ItemT")
SyncState = Literal["UpToDate", "Updating", "OutOfDate", "Unknown"]


class Answer(Carried):
    """The base of every answer."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")


class FaultLine(Carried):
    """A fault in the fleet repository; line and column count from 1, 0 means the whole file."""

    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


class Problem(Carried):
    """An error. `exit_code` is what a command line should end with."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str
    hint: str = ""
    exit_code: int = Field(alias="exitCode")
    request_id: str = Field(default="", alias="requestId")
    faults: tuple[FaultLine, ...] = ()


class Page(Answer, Generic[ItemT]):
    """Some items of a list. `total` counts all that match, not only this page."""

    items: tuple[ItemT, ...]
    total: int
    next: str | None = None


class CheckCounts(Carried):
    """How many of a device's checks are in each state."""

    ok: int = 0
    warning: int = 0
    critical: int = 0
    unknown: int = 0


class DeviceRow(Carried):
    """One device in a list. `state` is Unknown whenever the device is offline, with `since`."""

    id: str
    name: str
    customer: str
    site: str
    online: bool
    last_seen: int | None
    state: SyncState
    since: int | None
    desired_revision: str | None
    applied_revision: str | None
    os: str = ""
    agent_version: str = ""
    checks: CheckCounts = CheckCounts()
    labels: dict[str, Scalar] = Field(default_factory=dict)    # git/..., op/..., fact/...


class Condition(Carried):
    """Ready, Reconciling, Stalled, SourceVerified, Drifted, Held, Overridden, Tampered, BreakGlass."""

    type: str
    status: bool
    reason: str
    message: str = ""
    since: int


class RunSummary(Carried):
    """The newest convergence run of a device."""

    run: str
    serial: int
    revision: str
    started_at: int
    finished_at: int
    cause: str
    converged: bool
    resources: tuple[ResourceReport, ...]
    blocked: tuple[str, ...] = ()             # the maintenance windows that were open: nothing was changed
    blocked_until: int | None = None          # when the last of them closes, as the agent saw it


class RefusalRow(Carried):
    """What a device would not take, and why: altered, replayed, expired, not signed, or meant for another.

    `times` counts how often it said so, first at `first_at` and last at `at`.
    """

    at: int
    first_at: int
    times: int
    code: str
    message: str
    serial: int | None                        # of the manifest, when it was readable


class DeviceDetail(DeviceRow, Answer):
    """`guru device show`."""

    enrolled_at: int
    serial: int
    public_key: str
    conditions: tuple[Condition, ...] = ()
    run: RunSummary | None = None
    check_results: tuple[CheckResult, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)    # the newest sample
    services: tuple[ServiceState, ...] = ()
    refusals: tuple[RefusalRow, ...] = ()                      # the newest first
    overrides: tuple[OverrideRow, ...] = ()                    # in force, by path
    held: Held = ""                                            # `pending` or `quarantined`: it gets nothing
    held_why: str = ""
    key_at: int | None = None                                  # when its key was made, as far as is known
    withheld: tuple[WithheldRow, ...] = ()                     # what it sent while it was held, by kind


class DeviceFacts(Answer):
    """`guru device facts`."""

    device: str
    at: int | None
    facts: dict[str, Scalar]


class Series(Answer):
    """One metric of one device over time. `points` are (ms UTC, value), in the order of time."""

    device: str
    metric: str
    unit: str
    since: int
    until: int
    points: tuple[tuple[int, float], ...]


class LabelChange(Asked):
    """Labels in the op/ namespace, without the prefix. `selector` names the devices."""

    selector: str
    set: dict[str, str] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()
    max_devices: int = Field(default=1, ge=1)


class LabelsChanged(Answer):
    """What a LabelChange did."""

    devices: tuple[str, ...]


class WhoAmI(Answer):
    """Who the token is. `role` is its fixed role; without one `roles` come from the repository's bindings.

    `verbs` (empty: all) and `scope` are what this token is for at most. `revision` is the one that the roles are of.
    """

    name: str
    tenant: str
    role: str
    server_version: str
    expires_at: int | None = None
    kind: Literal["person", "key", "service", "client"] = "person"
    roles: tuple[RoleHeld, ...] = ()
    verbs: tuple[str, ...] = ()
    scope: str = "org"
    revision: str = ""


class EnrolTokenCreated(Answer):
    """The one time the token's text is shown."""

    token: str
    row: EnrolTokenRow


class Admitted(Answer):
    """What became of a device that somebody let in, kept out, held or let go."""

    device: str
    name: str
    customer: str
    site: str
    held: Held


class CustomerStatus(Carried):
    """What is in force for one customer, and what stands in the way of the newest commit."""

    customer: str
    org_revision: str | None
    revision: str | None
    state: Literal["InForce", "Held"]
    reason: str = ""
    faults: tuple[FaultLine, ...] = ()
    devices: dict[SyncState, int] = Field(default_factory=dict)


class RevisionRow(Carried):
    """One commit the server saw. `outcome` tells how far it got."""

    revision: str
    parent: str | None
    author: str
    subject: str
    seen_at: int
    finished_at: int | None
    outcome: Literal["compiling", "published", "partly-held", "refused", "superseded"]
    reason: str = ""
    devices_changed: int | None = 0           # None: not for you to know
    faults: tuple[FaultLine, ...] = ()
    signature: Literal["unchecked", "verified", "refused"] = "unchecked"
    signer: str = ""


class Status(Answer):
    """`guru status`."""

    remote: str
    branch: str
    last_fetch_at: int | None
    last_fetch_error: str = ""
    attempted_revision: str | None
    conditions: tuple[Condition, ...]
    customers: tuple[CustomerStatus, ...]
    revisions: tuple[RevisionRow, ...]
    devices: dict[SyncState, int]
    alerts_firing: int = 0
    refusing: int = 0                         # devices that refused something, and took nothing newer since


class SyncRequested(Answer):
    """The server fetched (or could not): the commit at the branch's tip, and how it went."""

    revision: str | None
    outcome: str
    reason: str = ""
    devices_changed: int = 0
    faults: tuple[FaultLine, ...] = ()


class SyncProgress(Answer):
    """How far the devices of a revision are. Counts are over devices the revision concerns."""

    revision: str
    devices: dict[SyncState, int]
    failed: tuple[str, ...] = ()                               # names of devices whose newest run failed


class PlanRequest(Asked):
    """A tree to plan against what is in force.

    `files` is path to Git blob id, `blobs` what the server may lack. Either `files` is given, or
    `revision`, a commit that the server can fetch. With `against` the other side is that commit, not what is
    in force; with `exact` the answer holds what `guru apply` needs.
    """

    revision: str | None = None
    files: dict[str, str] | None = None
    blobs: dict[str, str] = Field(default_factory=dict)        # blob id to base64
    against: str | None = None
    exact: bool = False


class ObjectChange(Carried):
    """One object of the fleet repository that the plan makes, changes, deletes or renames."""

    action: Literal["create", "change", "delete", "rename"]
    kind: str
    scope: str
    name: str
    path: str
    fields: tuple[FieldChange, ...] = ()


class FieldChange(Carried):
    """One leaf. Absent is None with `from_absent` or `to_absent`."""

    path: str
    before: JsonValue = None
    after: JsonValue = None
    from_absent: bool = False
    to_absent: bool = False
    why: str = ""                                              # file:line of the winner
    default: bool = False                                      # nobody wrote it: so it is when nothing is said


class DeviceChange(Carried):
    """What one device gets that it has not now."""

    device: str
    name: str
    customer: str
    site: str
    online: bool
    fields: tuple[FieldChange, ...]


class PlannedOverride(OverrideRow):
    """An override in force while a plan is made. `masks` is what the device would get if it were not for it;
    `affected`: the device gets something else. With `unfit` the device goes without it under the plan."""

    affected: bool = False
    masks: tuple[FieldChange, ...] = ()


class Plan(Answer):
    """`guru plan`. `devices` is cut at 1,000 rows, and `affected` counts all; so are `overrides` at 200, those
    that the plan concerns first, and `overridden` counts all that are in force.

    `needs_blobs` names what the server lacks to plan at all: send these and ask again.
    """

    format_version: str = "1.0"
    base_revision: str | None
    target_revision: str | None
    objects: tuple[ObjectChange, ...] = ()
    devices: tuple[DeviceChange, ...] = ()
    affected: int = 0
    offline: int = 0
    by_customer: dict[str, int] = Field(default_factory=dict)
    held: tuple[CustomerStatus, ...] = ()
    guards: tuple[str, ...] = ()                               # refusals with the trailer that would consent
    faults: tuple[FaultLine, ...] = ()
    needs_blobs: tuple[str, ...] = ()
    impact: tuple[Impact, ...] = ()
    exact: ExactPlan | None = None
    rights: tuple[RightsDiffer, ...] = ()                      # who gains and who loses what
    partial: bool = False                                      # only what the asker may see is in it
    overrides: tuple[PlannedOverride, ...] = ()
    overridden: int = 0


class Candidate(Carried):
    """One value that a layer gave for a path; the winner comes first."""

    value: JsonValue
    layer: str                                # built-in | org | customer acme | site ... | group ...
    path: str
    line: int
    column: int
    revision: str
    action: Literal["set", "remove", "replace"] = "set"


class Explanation(Answer):
    """`guru explain DEVICE PATH`."""

    device: str
    path: str
    value: JsonValue
    absent: bool = False
    candidates: tuple[Candidate, ...]


ObjectChange.model_rebuild()
