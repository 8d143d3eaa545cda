"""What people and the server say to each other about rights, under /api/v1/access and /keys. Times are ms UTC."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Asked, Carried


class RoleHeld(Carried):
    """A role, through which binding and where; `at` is file:line of the role's first rule."""

    role: str
    binding: str
    scope: str
    at: str = ""


class RightsDiffer(Carried):
    """What a commit gives to a subject at a scope, and what it takes away."""

    subject: str
    scope: str
    gains: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()


class Reason(Carried):
    """One reason, and for how many of the devices it holds. `why` is empty when it allows."""

    allowed: bool
    devices: int
    why: Literal["", "none", "deny", "unmet", "token"] = ""
    role: str = ""
    rule: str = ""
    binding: str = ""
    at: str = ""                              # org/roles.yaml:14
    revision: str = ""
    unmet: tuple[str, ...] = ()


class AccessAnswer(Carried):
    """`guru can`: whether the asker may do it now, to all of it."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    verb: str
    about: str                                # what was asked about, as it was written
    allowed: bool
    devices: int                              # 0: a whole scope
    allowed_devices: int
    told: str = ""                            # one sentence; empty when allowed
    reasons: tuple[Reason, ...] = ()


class RuleSeen(Carried):
    """One rule about the verb that the subject has, and what it says to this device."""

    role: str
    rule: str
    binding: str
    scope: str
    effect: Literal["allow", "deny"]
    at: str
    selector: str = ""
    applies: bool                             # the scope holds the device and the selector matches it
    conditions: tuple[str, ...] = ()


class GroupHeld(Carried):
    """A group of Bindings, and who puts the subject into it: `repository`, or the name of an identity provider."""

    group: str
    by: str


class AccessExplained(Carried):
    """`guru access explain`: the decision about one subject and one device, and every rule that had a say.

    `unmet` are conditions that would have to hold. `fixed_roles` are those of tokens of the subject's name: they
    stand beside everything that the repository says. `groups` are those that a user is in, and who says so.
    """

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    subject: str
    verb: str
    device: str
    allowed: bool
    told: str = ""
    unmet: tuple[str, ...] = ()
    decided_by: Reason
    rules: tuple[RuleSeen, ...] = ()
    fixed_roles: tuple[str, ...] = ()
    revision: str = ""
    groups: tuple[GroupHeld, ...] = ()


class KeyRequest(Asked):
    """A new API key. Its rights come from Bindings to `key:<name>`; `verbs` and `scope` narrow them further."""

    name: str = Field(min_length=1, max_length=59)
    ttl: int = Field(default=90 * 86_400, ge=60, le=366 * 86_400)          # seconds
    verbs: tuple[str, ...] = Field(default=(), max_length=100)
    scope: str = Field(default="org", max_length=200)
    addresses: tuple[str, ...] = Field(default=(), max_length=50)


class KeyRow(Carried):
    """An API key without its secret."""

    id: str
    name: str
    role: str = ""                            # a fixed role, for keys made on the server's machine
    verbs: tuple[str, ...] = ()
    scope: str = "org"
    addresses: tuple[str, ...] = ()
    created_at: int
    created_by: str = ""
    expires_at: int | None
    last_used_at: int | None
    revoked: bool


class KeyCreated(Carried):
    """The one time the key's text is shown."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    key: str
    row: KeyRow


class ApprovalRow(Carried):
    """An act that waits, or waited, for a second person. `asked` is sha256 of the whole request."""

    id: str
    state: Literal["pending", "approved", "denied", "failed", "expired"]
    actor: str
    verb: str
    about: str
    role: str = ""                            # of those who may agree; empty: whoever has approval.give
    devices: int
    ticket: str = ""
    asked: str
    created_at: int
    expires_at: int
    decided_by: str = ""
    decided_at: int | None = None
    why: str = ""
    status: int = 0                           # of HTTP, once the act ran
    answer: str = ""


class ApprovalDetail(ApprovalRow):
    """All of it: what was sent, and to which devices. `body` is empty once it is decided."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    method: str
    path: str
    query: str = ""
    body: str = ""
    targets: tuple[str, ...] = ()             # acme/hq/web01, customers/acme; the first hundred


class Judged(Asked):
    """Why somebody agrees or not."""

    reason: str = Field(default="", max_length=500)


class AccessWish(Asked):
    """Rights for a while: a verb or a role of the repository."""

    verb: str = Field(default="", max_length=64)
    role: str = Field(default="", max_length=64)
    scope: str = Field(default="org", max_length=200)
    selector: str = Field(default="", max_length=1000)
    seconds: int = Field(ge=60, le=7 * 86_400)
    reason: str = Field(min_length=1, max_length=500)


class BreakGlassWish(Asked):
    """The role that the repository keeps for emergencies, now."""

    role: str = Field(default="", max_length=64)
    seconds: int = Field(default=900, ge=60, le=4 * 3600)
    reason: str = Field(min_length=1, max_length=500)


class GrantRow(Carried):
    """A request for rights, and what became of it."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    id: str
    kind: Literal["request", "break-glass"]
    state: Literal["pending", "granted", "denied", "revoked", "expired"]
    name: str
    verb: str = ""
    role: str = ""
    scope: str
    selector: str = ""
    seconds: int
    reason: str
    ticket: str = ""
    created_at: int
    expires_at: int
    decided_by: str = ""
    decided_at: int | None = None
    why: str = ""
    reviewed_by: str = ""
    reviewed_at: int | None = None


class ClientCreated(Carried):
    """An OAuth client: its secret is shown this once."""

    api_version: str = Field(default="guru/v1", alias="apiVersion")
    client_id: str
    client_secret: str
    row: KeyRow
