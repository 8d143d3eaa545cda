"""What clients, browsers and the server say about signing in through a browser. Times are ms UTC; fields only grow.

The client listens on loopback and holds a secret; the browser brings it a code that is worth nothing without both the
secret and the client's key (RFC 8252, RFC 7636, RFC 9449).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Asked, Carried
from guru_wire.operator import Answer
from guru_wire.people import Secret

Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$"), Field(examples=["A" * 43])]
State = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22,64}$"), Field(examples=["a" * 32])]
AttemptId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Port = Annotated[int, Field(ge=1024, le=65_535)]


class AttemptAsked(Asked):
    """A sign-in through a browser: where that brings the code, which is a port of the client's own machine.

    `challenge` is the SHA-256 of the client's secret. `provider` may be left out when the repository names one alone.
    """

    challenge: Digest
    state: State
    port: Port
    way: Literal["passkey", "sso"]
    provider: Annotated[str, StringConstraints(max_length=63)] = ""
    client: Annotated[str, StringConstraints(max_length=200)] = ""


class AttemptBegun(Answer):
    """What the browser opens, and the number that its page shows, too."""

    id: str
    url: str
    check: str
    expires_at: int


class AttemptRedeemed(Asked):
    """The code that came to the client's listener, and the client's secret."""

    attempt: AttemptId
    code: Secret
    verifier: Secret


class PasskeyAsked(Asked):
    """A new passkey for whoever asks, under a name of theirs; the rest as for a sign-in."""

    challenge: Digest
    state: State
    port: Port
    label: Annotated[str, StringConstraints(max_length=64)] = ""


class CeremonyAsked(Asked):
    """What the page asks for once somebody pressed its button."""

    attempt: AttemptId


class Ceremony(Answer):
    """What goes to the authenticator, as JSON of WebAuthn level 3."""

    ceremony: str
    register_one: bool
    options: str


class CeremonyDone(Asked):
    """What the authenticator answered."""

    attempt: AttemptId
    ceremony: AttemptId
    answer: Annotated[str, StringConstraints(max_length=16_384)]


class Onwards(Answer):
    """Where the browser goes now: always a port of its own machine."""

    location: str


class PasskeySeen(Carried):
    """One passkey of whoever asks."""

    id: str
    label: str
    created_at: int
    used_at: int | None


class DeviceCodeAsked(Asked):
    """A shell without a browser wants in (RFC 8628): its secret's SHA-256, and what it says of itself."""

    challenge: Digest
    client: Annotated[str, StringConstraints(max_length=200)] = ""


class DeviceCodeGiven(Answer):
    """The code that another sign-in is given; `interval` in seconds between two looks."""

    id: str
    user_code: str
    interval: int
    expires_at: int


class DeviceCodePolled(Asked):
    """Whether somebody has let it in."""

    attempt: AttemptId
    verifier: Secret


class DeviceWaiting(Answer):
    """Nobody has, yet."""

    waiting: Literal[True] = True
    interval: int


class DeviceCodeTyped(Asked):
    """The code, as it was read from the other shell."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class DeviceCodeSeen(Answer):
    """Who wants in, from where, and whether they are."""

    client: str
    address: str
    expires_at: int
    admitted: bool
