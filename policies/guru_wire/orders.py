"""Signed orders: one signature for a job, and a proof for each device that it is meant. It runs nothing.

The command key signs orders, never the state key. Agents pin the state key only: an Authority, signed by it, vouches
for the command key, travels with every order, and so reaches agents that enrolled before there was one. Who carries
orders has neither key.

The devices of an order are the leaves of a hash tree (as in RFC 6962, 2.1); the order holds its root. So a job on ten
thousand devices is signed once, and no device learns which others were meant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, StringConstraints, ValidationError

from guru_policy.errors import Untrusted
from guru_policy.host import Sandbox, Shell
from guru_policy.model import Carried
from guru_wire.files import FileChange, FileLook
from guru_wire.purposes import AUTHORITY_LIFE_MS, MAX_LIFE_MS, Proof, leaf, node, tree
from guru_wire.querying import Query
from guru_wire.signing import Signed, seal, unseal

__all__ = [
    "AUTHORITY_LIFE_MS", "MAX_LIFE_MS", "Authority", "Cancelled", "Command", "Expired", "Inside", "Order",
    "Proof", "open_authority", "open_cancel", "open_order", "root_of", "seal_authority", "seal_cancel", "seal_order",
    "tree",
]

MAX_DEPTH = 32
MAX_SCRIPT, MAX_STDIN = 256 << 10, 256 << 10
MAX_OUTPUT = 16 << 20                   # bytes kept of what a command prints, both streams together
MAX_TIMEOUT = 86_400                    # seconds

JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Word = Annotated[str, StringConstraints(max_length=128 << 10)]


class Authority(Carried):
    """Signed by the state key: this key signs orders. A newer one (`issued_at`) replaces the older. ms UTC."""

    key: str                            # base64 of 32 raw bytes
    issued_at: int
    expires_at: int


class Inside(Carried):
    """A script, read by the command's `shell`, that runs in a sandbox or not at all.

    It stands here and not in the fields that older agents know: they find nothing to run.
    """

    sandbox: Sandbox
    script: str = Field(max_length=MAX_SCRIPT)
    unless: str | None = Field(default=None, max_length=MAX_SCRIPT)


class Command(Carried):
    """What is run: `argv`, `script` read by `shell`, `inside`, `query`, `file`, `change`, `send`, or a `look`."""

    argv: tuple[Word, ...] = Field(default=(), max_length=1000)
    shell: Shell | None = None          # None with a script: the platform's own, sh or powershell
    script: str | None = Field(default=None, max_length=MAX_SCRIPT)
    unless: str | None = Field(default=None, max_length=MAX_SCRIPT)
    query: Query | None = None          # answered from the device's tables; the parts are its output, a line each
    look: Literal["vpn"] | None = None
    about: str = Field(default="", max_length=200)              # of a look: which one of several
    file: FileLook | None = None
    stdin: str = Field(default="", max_length=MAX_STDIN * 4 // 3 + 4)      # base64
    env: dict[str, Word] = Field(default_factory=dict, max_length=64)
    secrets: dict[str, str] = Field(default_factory=dict, max_length=64)   # variable to the name of a secret
    cwd: str = Field(default="", max_length=4096)
    run_as: Literal["system", "user"] = "system"
    timeout: int = Field(default=60, ge=1, le=MAX_TIMEOUT)      # seconds
    output: int = Field(default=64 << 10, ge=0, le=MAX_OUTPUT)  # bytes kept
    inside: Inside | None = None        # since LANGUAGE 11
    change: FileChange | None = None    # since LANGUAGE 12; an older agent finds nothing to run
    send: FileLook | None = None        # since LANGUAGE 13; the same


class Order(Carried):
    """Run `command` once, beginning before `expires_at` (ms UTC), on the devices under `root`."""

    job: JobId
    root: str                           # sha256 hex
    issued_at: int
    expires_at: int
    command: Command


class Cancelled(Carried):
    """The job is to end, or not to begin."""

    job: JobId
    issued_at: int


class Expired(Untrusted):
    """A genuine order that came too late; nothing of it ran."""

    def __init__(self, job: str) -> None:
        super().__init__(f"the order of job {job[:8]} expired")
        self.job = job


def root_of(device: str, proof: Proof) -> str:
    """The root that the proof leads to from this device; Untrusted when it is no proof at all."""
    try:
        found, at = leaf(device, proof.nonce), proof.place
        for beside in proof.path[:MAX_DEPTH]:
            other = bytes.fromhex(beside)
            found = node(found, other) if at % 2 == 0 else node(other, found)
            at >>= 1
    except ValueError as cause:
        raise Untrusted("the proof of an order is not in hex") from cause
    return found.hex()


def seal_authority(state: Ed25519PrivateKey, authority: Authority) -> Signed:
    """The authority, signed by the state key."""
    return seal(state, "authority", authority.model_dump_json())


def seal_order(command_key: Ed25519PrivateKey, order: Order) -> Signed:
    """The order, signed by the command key."""
    return seal(command_key, "order", order.model_dump_json())


def seal_cancel(command_key: Ed25519PrivateKey, cancel: Cancelled) -> Signed:
    """The cancellation, signed by the command key."""
    return seal(command_key, "cancel", cancel.model_dump_json())


def open_authority(signed: Signed, *, state_key: bytes, now: int) -> Authority:
    """The authority when the state key signed it and its time is not over; Untrusted otherwise."""
    try:
        found = Authority.model_validate_json(unseal(state_key, "authority", signed))
    except ValidationError as cause:
        raise Untrusted("an authority with a good signature is not readable") from cause
    if now >= found.expires_at:
        raise Untrusted("the authority of an order expired")
    return found


def open_order(signed: Signed, proof: Proof, *, key: bytes, device: str, now: int) -> Order:
    """The order, when it is genuine, for `device`, and may still begin at `now` (ms UTC).

    Raises Untrusted with the reason; Expired, which names the job, when only its time is over.
    """
    try:
        order = Order.model_validate_json(unseal(key, "order", signed))
    except ValidationError as cause:
        raise Untrusted("an order with a good signature is not readable: this agent may be too old") from cause
    if root_of(device, proof) != order.root:
        raise Untrusted(f"the order of job {order.job[:8]} is for other devices")
    if not order.issued_at < order.expires_at <= order.issued_at + MAX_LIFE_MS:
        raise Untrusted(f"the order of job {order.job[:8]} has no sensible time")
    if now >= order.expires_at:
        raise Expired(order.job)
    return order


def open_cancel(signed: Signed, *, key: bytes) -> Cancelled:
    """The cancellation when the command key signed it; Untrusted otherwise."""
    try:
        return Cancelled.model_validate_json(unseal(key, "cancel", signed))
    except ValidationError as cause:
        raise Untrusted("a cancellation with a good signature is not readable") from cause
