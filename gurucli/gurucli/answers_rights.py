"""Rights and keys as plain rows: the shapes of guru_wire.access without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict


class RoleHeld(TypedDict):
    """A role, through which binding and where."""

    role: str
    binding: str
    scope: str
    at: str


class RightsDiffer(TypedDict):
    """What a commit gives to a subject at a scope, and what it takes away."""

    subject: str
    scope: str
    gains: list[str]
    loses: list[str]


class Reason(TypedDict):
    """One reason, and for how many of the devices it holds."""

    allowed: bool
    devices: int
    why: str
    role: str
    rule: str
    binding: str
    at: str
    revision: str
    unmet: list[str]


class AccessAnswer(TypedDict):
    """Whether the asker may do it now, to all of it."""

    apiVersion: str
    verb: str
    about: str
    allowed: bool
    devices: int
    allowed_devices: int
    told: str
    reasons: list[Reason]


class RuleSeen(TypedDict):
    """One rule about the verb that a subject has, and what it says to a device."""

    role: str
    rule: str
    binding: str
    scope: str
    effect: str
    at: str
    selector: str
    applies: bool
    conditions: list[str]


class GroupHeld(TypedDict):
    """A group of Bindings, and who puts the subject into it."""

    group: str
    by: str


class AccessExplained(TypedDict):
    """The decision about one subject and one device, and every rule about it."""

    apiVersion: str
    subject: str
    verb: str
    device: str
    allowed: bool
    told: str
    unmet: list[str]
    decided_by: Reason
    rules: list[RuleSeen]
    fixed_roles: list[str]
    revision: str
    groups: list[GroupHeld]


class KeyRow(TypedDict):
    """An API key without its secret."""

    id: str
    name: str
    role: str
    verbs: list[str]
    scope: str
    addresses: list[str]
    created_at: int
    created_by: str
    expires_at: int | None
    last_used_at: int | None
    revoked: bool


class KeyCreated(TypedDict):
    """The one time the key's text is shown."""

    apiVersion: str
    key: str
    row: KeyRow


class ApprovalRow(TypedDict):
    """An act that waits, or waited, for a second person."""

    id: str
    state: str
    actor: str
    verb: str
    about: str
    role: str
    devices: int
    ticket: str
    asked: str
    created_at: int
    expires_at: int
    decided_by: str
    decided_at: int | None
    why: str
    status: int
    answer: str


class ApprovalDetail(ApprovalRow):
    """All of it."""

    apiVersion: str
    method: str
    path: str
    query: str
    body: str
    targets: list[str]


class GrantRow(TypedDict):
    """A request for rights, and what became of it."""

    apiVersion: str
    id: str
    kind: str
    state: str
    name: str
    verb: str
    role: str
    scope: str
    selector: str
    seconds: int
    reason: str
    ticket: str
    created_at: int
    expires_at: int
    decided_by: str
    decided_at: int | None
    why: str
    reviewed_by: str
    reviewed_at: int | None


class ClientCreated(TypedDict):
    """An OAuth client, shown this once."""

    apiVersion: str
    client_id: str
    client_secret: str
    row: KeyRow
