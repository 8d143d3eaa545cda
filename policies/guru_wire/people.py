"""What people and the server say to each other about signing in, under /api/v1. Times are ms UTC; fields only grow.

Every request of a session carries a proof of the client's key (guru_wire.proofs), the sign-in and the refresh too.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from guru_policy.model import Asked, Carried
from guru_wire.operator import Answer

Secret = Annotated[SecretStr, Field(min_length=1, max_length=1000)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$")]


class SignIn(Asked):
    """A password, and with it a code of the second factor when the account has one."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    password: Secret
    code: Annotated[str, StringConstraints(max_length=64)] = ""
    client: Annotated[str, StringConstraints(max_length=200)] = ""


class Refresh(Asked):
    """A refresh token, good once."""

    refresh: Secret


class InvitationAccepted(Asked):
    """The code of an invitation, and the password from now on."""

    invitation: Secret
    password: Secret


class PasswordChange(Asked):
    """The password until now, and from now on."""

    old: Secret
    new: Secret


class CodeShown(Asked):
    """A code of the second factor, or a recovery code."""

    code: Code


class LockReason(Asked):
    """Why something is done."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Tokens(Answer):
    """A session: `access` goes with every request until `expires_at`, `refresh` then fetches the next ones.

    With `set_up` nothing is possible before a second factor is set up.
    """

    session: str
    name: str
    access: str
    expires_at: int
    refresh: str
    ends_at: int
    set_up: bool = False


class AccountState(Answer):
    """Somebody's own account."""

    name: str
    second_factor: bool
    recovery_codes: int
    required: bool                            # whether the organisation asks for a second factor


class TotpBegun(Answer):
    """The new secret, in base32 and as what a camera reads; it counts once a code of it was shown."""

    secret: str
    uri: str


class RecoveryCodes(Answer):
    """Fresh recovery codes, shown this once."""

    codes: tuple[str, ...]


class SessionSeen(Carried):
    """One session; `current` is the one that asks."""

    id: str
    name: str
    method: str
    client: str
    address: str
    mfa_at: int | None
    created_at: int
    turned_at: int
    expires_at: int
    current: bool


class SessionsEnded(Answer):
    """How many."""

    ended: int


State = Literal["active", "invited", "locked", "disabled", "left"]


class UserRow(Carried):
    """Somebody who may sign in. `groups` are those of the repository; `known` says whether it names the person.

    With a `provider` an identity provider keeps them here (SCIM), and `groups` are what Git makes of its groups.
    """

    name: str
    role: str
    groups: tuple[str, ...]
    known: bool
    state: State
    second_factor: bool
    locked: str
    created_at: int | None
    sessions: int
    provider: str = ""


class Invited(Answer):
    """The code with which a password is set, shown this once."""

    name: str
    invitation: str
    expires_at: int
