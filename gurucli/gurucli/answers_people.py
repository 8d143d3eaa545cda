"""Answers about signing in as plain rows: the shapes of guru_wire.people without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers import Answer


class AccountState(Answer):
    """Somebody's own account."""

    name: str
    second_factor: bool
    recovery_codes: int
    required: bool


class TotpBegun(Answer):
    """A second factor that is being set up."""

    secret: str
    uri: str


class RecoveryCodes(Answer):
    """Fresh recovery codes."""

    codes: list[str]


class SessionSeen(TypedDict):
    """One session."""

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


class UserRow(TypedDict):
    """Somebody who may sign in."""

    name: str
    role: str
    groups: list[str]
    known: bool
    state: str
    second_factor: bool
    locked: str
    created_at: int | None
    sessions: int
    provider: str


class Invited(Answer):
    """An invitation, shown this once."""

    name: str
    invitation: str
    expires_at: int


class AttemptBegun(Answer):
    """A sign-in through a browser."""

    id: str
    url: str
    check: str
    expires_at: int


class PasskeySeen(TypedDict):
    """One passkey."""

    id: str
    label: str
    created_at: int
    used_at: int | None


class DeviceCodeGiven(Answer):
    """A code for a shell without a browser."""

    id: str
    user_code: str
    interval: int
    expires_at: int


class DeviceCodeSeen(Answer):
    """A shell that wants in."""

    client: str
    address: str
    expires_at: int
    admitted: bool
