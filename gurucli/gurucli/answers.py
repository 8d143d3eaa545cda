"""The answers of the server as plain rows: the shapes of guru_wire.operator without its models.

A test holds each class against its model. Commands read these, never bare dictionaries.
"""

from __future__ import annotations

from typing import Generic, Literal, NotRequired, TypedDict, TypeVar

from gurucli.answers_planning import ExactPlan, Impact, OverrideRow, PlannedOverride
from gurucli.answers_planning import FieldChange as FieldChange
from gurucli.answers_planning import Json as Json
from gurucli.answers_rights import RightsDiffer, RoleHeld

Scalar = str | int | float | bool
ItemT = TypeVar("ItemT")


class Answer(TypedDict):
    """The base of every answer."""

    apiVersion: str


class FaultLine(TypedDict):
    """A fault in the fleet repository; line and column count from 1, 0 means the whole file."""

    path: str
    line: int
    column: int
    message: str
    hint: str
    severity: Literal["error", "warning"]


class Page(Answer, Generic[ItemT]):
    """Some items of a list; `total` counts all that match."""

    items: list[ItemT]
    total: int
    next: str | None


class CheckCounts(TypedDict):
    """How many of a device's checks are in each state."""

    ok: int
    warning: int
    critical: int
    unknown: int


class DeviceRow(TypedDict):
    """One device in a list."""

    id: str
    name: str
    customer: str
    site: str
    online: bool
    last_seen: int | None
    state: str
    since: int | None
    desired_revision: str | None
    applied_revision: str | None
    os: str
    agent_version: str
    checks: CheckCounts
    labels: dict[str, Scalar]


class Condition(TypedDict):
    """Ready, Reconciling, Stalled and so on."""

    type: str
    status: bool
    reason: str
    message: str
    since: int


class ResourceReport(TypedDict):
    """One resource after a run."""

    id: str
    kind: str
    outcome: str
    change: str | None
    steps: list[str]
    message: str


class RunSummary(TypedDict):
    """The newest convergence run of a device."""

    run: str
    serial: int
    revision: str
    started_at: int
    finished_at: int
    cause: str
    converged: bool
    resources: list[ResourceReport]
    blocked: list[str]
    blocked_until: int | None


class Verdict(TypedDict):
    """One reading of one check."""

    state: str
    message: str
    value: float | None
    unit: str


class CheckResult(TypedDict):
    """One check's verdict and since when."""

    check: str
    at: int
    since: int
    verdict: Verdict


class ServiceState(TypedDict):
    """A service as the platform names it."""

    name: str
    running: bool
    enabled: bool | None


class RefusalRow(TypedDict):
    """What a device would not take, why and how often."""

    at: int
    first_at: int
    times: int
    code: str
    message: str
    serial: int | None


class WithheldRow(TypedDict):
    """What a held device sent, by kind."""

    kind: str
    count: int
    bytes: int
    first_at: int
    last_at: int


class DeviceDetail(DeviceRow, Answer):
    """One device with its conditions, newest run, checks and metrics."""

    enrolled_at: int
    serial: int
    public_key: str
    conditions: list[Condition]
    run: RunSummary | None
    check_results: list[CheckResult]
    metrics: dict[str, float]
    services: list[ServiceState]
    refusals: list[RefusalRow]
    overrides: list[OverrideRow]
    held: NotRequired[str]
    held_why: NotRequired[str]
    key_at: NotRequired[int | None]
    withheld: NotRequired[list[WithheldRow]]


class DeviceFacts(Answer):
    """What an agent says of its machine."""

    device: str
    at: int | None
    facts: dict[str, Scalar]


class LabelsChanged(Answer):
    """The names of the devices whose labels changed."""

    devices: list[str]


class WhoAmI(Answer):
    """Who the token is."""

    name: str
    tenant: str
    role: str
    server_version: str
    expires_at: int | None
    kind: NotRequired[str]
    roles: NotRequired[list[RoleHeld]]
    verbs: NotRequired[list[str]]
    scope: NotRequired[str]
    revision: NotRequired[str]


class EnrolTokenRow(TypedDict):
    """An enrolment token without its secret."""

    id: str
    customer: str
    site: str
    uses: int
    used: int
    created_at: int
    created_by: str
    expires_at: int
    revoked: bool
    labels: NotRequired[dict[str, str]]
    addresses: NotRequired[list[str]]
    approve: NotRequired[bool]
    sealed: NotRequired[bool]


class EnrolTokenCreated(Answer):
    """The one time the token's text is shown."""

    token: str
    row: EnrolTokenRow


class CustomerStatus(TypedDict):
    """What is in force for one customer, and what stands in the way of the newest commit."""

    customer: str
    org_revision: str | None
    revision: str | None
    state: str
    reason: str
    faults: list[FaultLine]
    devices: dict[str, int]


class RevisionRow(TypedDict):
    """One commit the server saw, and how far it got."""

    revision: str
    parent: str | None
    author: str
    subject: str
    seen_at: int
    finished_at: int | None
    outcome: str
    reason: str
    devices_changed: int | None
    faults: list[FaultLine]
    signature: str
    signer: str


class Status(Answer):
    """What is in force and what is not."""

    remote: str
    branch: str
    last_fetch_at: int | None
    last_fetch_error: str
    attempted_revision: str | None
    conditions: list[Condition]
    customers: list[CustomerStatus]
    revisions: list[RevisionRow]
    devices: dict[str, int]
    alerts_firing: int
    refusing: int


class SyncRequested(Answer):
    """What the server found at the tip of the branch."""

    revision: str | None
    outcome: str
    reason: str
    devices_changed: int
    faults: list[FaultLine]


class SyncProgress(Answer):
    """How far the devices of a revision are."""

    revision: str
    devices: dict[str, int]
    failed: list[str]


class ObjectChange(TypedDict):
    """One object that a plan makes, changes, deletes or renames."""

    action: str
    kind: str
    scope: str
    name: str
    path: str
    fields: list[FieldChange]


class DeviceChange(TypedDict):
    """What one device gets that it has not now."""

    device: str
    name: str
    customer: str
    site: str
    online: bool
    fields: list[FieldChange]


class Plan(Answer):
    """What would change; `devices` may be cut, `affected` counts all."""

    format_version: str
    base_revision: str | None
    target_revision: str | None
    objects: list[ObjectChange]
    devices: list[DeviceChange]
    affected: int
    offline: int
    by_customer: dict[str, int]
    held: list[CustomerStatus]
    guards: list[str]
    faults: list[FaultLine]
    needs_blobs: list[str]
    impact: list[Impact]
    exact: ExactPlan | None
    rights: NotRequired[list[RightsDiffer]]
    partial: NotRequired[bool]
    overrides: list[PlannedOverride]
    overridden: int


class Candidate(TypedDict):
    """One value that a layer gave; the winner comes first."""

    value: Json
    layer: str
    path: str
    line: int
    column: int
    revision: str
    action: str


class Explanation(Answer):
    """Where a device's value comes from."""

    device: str
    path: str
    value: Json
    absent: bool
    candidates: list[Candidate]


class Diagnosis(TypedDict):
    """One line of doctor."""

    name: str
    ok: bool
    message: str
    fix: str


class Doctor(Answer):
    """The server's own view of its health."""

    lines: list[Diagnosis]


class ServerRecipient(Answer):
    """Whom secrets that devices need are encrypted for, too."""

    recipient: str


class Trust(TypedDict):
    """The server's authority and keys: public, and worth nothing until checked against a pin."""

    ca: str
    state_key: str
    link_key: str
    chain: list[Json]
    word: Json
