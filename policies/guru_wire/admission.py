"""Who is let in: enrolment tokens, devices that wait for somebody, and what became of that. No logic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Asked, Carried

Held = Literal["", "pending", "quarantined"]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(max_length=200)]
Network = Annotated[str, StringConstraints(min_length=2, max_length=50)]


class EnrolTokenRequest(Asked):
    """A new enrolment token. `ttl` is in seconds.

    `labels` become op/ labels of the devices, `ring` the label op/ring. Who comes from outside of `addresses`, and with
    `approve` everybody, waits for somebody to let them in. With `sealed` a device is refused unless it says that a TPM
    seals its key.
    """

    customer: str
    site: str
    uses: int = Field(default=1, ge=1, le=100_000)
    ttl: int = Field(default=86_400, ge=60, le=366 * 86_400)
    url: str | None = None                                     # what agents dial; default: the server's own
    ring: str = Field(default="", max_length=63)
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)
    addresses: tuple[Network, ...] = Field(default=(), max_length=32)
    approve: bool = False
    sealed: bool = False


class EnrolTokenRow(Carried):
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
    labels: dict[str, str] = Field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    approve: bool = False
    sealed: bool = False


class WithheldRow(Carried):
    """What a held or revoked device sent, by kind: counted, never stored as what it says."""

    kind: str
    count: int
    bytes: int
    first_at: int
    last_at: int


class PendingRow(Carried):
    """A device that is held: one that waits to be let in, or one in quarantine."""

    id: str
    name: str
    customer: str
    site: str
    held: Held
    why: str
    since: int
    hardware: str                                              # a digest; a hint only, a device can lie
    alike: tuple[str, ...]                                     # devices that said the same hardware, customer/site/name
    public_key: str
    enrolled_by: str


class Approval(Asked):
    """Let a device in. `takes_over`: it is that device, made anew; its history goes on."""

    device: Reference
    takes_over: str = Field(default="", max_length=200)


class Denial(Asked):
    """Never let this key in."""

    device: Reference
    reason: Reason = ""


class Quarantine(Asked):
    """Give a device nothing and believe nothing it says, until it is released."""

    device: Reference
    reason: Reason = ""


class Release(Asked):
    """End a quarantine."""

    device: Reference


class KeyRotation(Asked):
    """Have a device make a new key."""

    device: Reference
