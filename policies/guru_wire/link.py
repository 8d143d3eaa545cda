"""The messages of the agent link, the same on a WebSocket and on long-poll. Frozen models, no logic.

A frame is one JSON object with its type in `t`. After the handshake neither side ever names the device:
the connection is the device. Agents send Batch, Pull, Fetch; the server sends Ack, Current, Desired, Chunk,
since LANGUAGE 4 Order and Cancel, and since LANGUAGE 6 Rekeyed after a Rekey. Since LANGUAGE 13 both speak of chunks
of transfers, too (guru_wire.chunks).

Handshake:  server Challenge -> agent Hello -> server Welcome (or Refused, then the end).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from guru_policy.model import Carried
from guru_wire.chunks import ChunkEnd, ChunkGet, ChunkGot, ChunkHere, ChunkNo, ChunkPut
from guru_wire.limits import MAX_FRAME as MAX_FRAME
from guru_wire.orders import MAX_DEPTH
from guru_wire.signing import Signed

MAX_BATCH_ITEMS = 2000
CHUNK = 256 * 1024                      # bytes of blob in one Chunk, before base64


class Challenge(Carried):
    """The server's opening: a fresh nonce (32 bytes, hex) to be signed by the device key."""

    t: Literal["challenge"] = "challenge"
    language: int
    nonce: str
    now: int                            # ms UTC


class Hello(Carried):
    """`signature` (base64) is the device key's, purpose `hello`, over hello_bytes().

    `sealing_key` is what secrets are sealed to, with the device key's own word for it (guru_wire.sealing); since
    LANGUAGE 3.
    """

    t: Literal["hello"] = "hello"
    language: int
    device: str
    nonce: str                          # the agent's own, 32 bytes, hex
    spool: str                          # 32 hex digits, made with the spool; a new spool counts from 1 again
    agent_version: str
    serial: int = 0                     # of the newest manifest the agent holds
    signature: str
    sealing_key: str = Field(default="", max_length=64)
    sealing_proof: str = Field(default="", max_length=128)
    process: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")      # of this run of the agent; since LANGUAGE 6


class Welcome(Carried):
    """`signature` (base64) is the link key's, purpose `welcome`, over welcome_bytes()."""

    t: Literal["welcome"] = "welcome"
    language: int
    now: int                            # ms UTC, trusted since it is signed over the agent's nonce
    mark: int                           # the highest sequence of this spool that is stored
    serial: int                         # of the device's current manifest; 0: none yet
    signature: str
    held: str = ""                      # pending | quarantined: say nothing, nothing will come; since LANGUAGE 6
    rotate: bool = False                # send a Rekey; since LANGUAGE 6
    trust: int = 0                      # serial of the server's TrustWord, a hint to ask for it; since LANGUAGE 7
    inventory: bool = False             # report the whole inventory anew; since LANGUAGE 8


class Refused(Carried):
    """The end of a handshake. `code` is a GuruError's; `revoked` means do not come back."""

    t: Literal["refused"] = "refused"
    code: str
    message: str
    revoked: bool = False


class Batch(Carried):
    """Items in the order of their sequence numbers, which grow but may have gaps (bounded spool)."""

    t: Literal["batch"] = "batch"
    items: tuple[Item, ...] = Field(max_length=MAX_BATCH_ITEMS)


class Item(Carried):
    """One thing the agent reports. `body` is a model of guru_wire.uplink, running or inventory, by `kind`."""

    seq: int = Field(gt=0)
    kind: Literal["layout", "sample", "report", "facts", "checks", "refusal", "output", "run", "inventory"]
    body: JsonValue


class Pull(Carried):
    """The agent asks for its manifest and bundle; answered by Desired."""

    t: Literal["pull"] = "pull"


class Fetch(Carried):
    """The agent asks for a part of a blob or bundle that its manifest names; answered by Chunk."""

    t: Literal["fetch"] = "fetch"
    digest: str
    offset: int = Field(default=0, ge=0)


class Rekey(Carried):
    """The device's new key. `proof` is the old key's signature over rekey_bytes(), `consent` the new key's."""

    t: Literal["rekey"] = "rekey"
    public_key: str = Field(max_length=64)      # base64 of 32 raw bytes
    proof: str = Field(max_length=128)
    consent: str = Field(max_length=128)
    sealing_key: str = Field(max_length=64)
    sealing_proof: str = Field(max_length=128)


class Rekeyed(Carried):
    """From now on the device has this key, and the one before is worth nothing."""

    t: Literal["rekeyed"] = "rekeyed"
    public_key: str


class Ack(Carried):
    """Everything up to and including this sequence is stored for good."""

    t: Literal["ack"] = "ack"
    seq: int


class Current(Carried):
    """Your manifest is now this serial: pull it when you can."""

    t: Literal["current"] = "current"
    serial: int


class Desired(Carried):
    """The manifest, or None when nothing was ever published for this device."""

    t: Literal["desired"] = "desired"
    manifest: Signed | None


class Chunk(Carried):
    """A part of a blob, base64. `total` is the blob's size; -1 when the device may not have it."""

    t: Literal["chunk"] = "chunk"
    digest: str
    offset: int
    total: int
    data: str


class Order(Carried):
    """A command to run. `order` holds a guru_wire.orders.Order, `authority` the Authority that vouches for its key.

    `nonce`, `place` and `path` prove that the device is one of those that the order is for.
    """

    t: Literal["order"] = "order"
    authority: Signed
    order: Signed
    nonce: str
    place: int = Field(ge=0)
    path: tuple[str, ...] = Field(max_length=MAX_DEPTH)


class Cancel(Carried):
    """End a job, or never begin it. `cancel` holds a guru_wire.orders.Cancelled."""

    t: Literal["cancel"] = "cancel"
    authority: Signed
    cancel: Signed


FromAgent = Annotated[
    Hello | Batch | Pull | Fetch | Rekey | ChunkGet | ChunkPut | ChunkEnd, Field(discriminator="t")
]
FromServer = Annotated[
    Challenge | Welcome | Refused | Ack | Current | Desired | Chunk | Order | Cancel | Rekeyed | ChunkHere | ChunkGot
    | ChunkNo, Field(discriminator="t")
]


def hello_bytes(*, device: str, spool: str, server_nonce: str, agent_nonce: str) -> bytes:
    """What the device key signs: both nonces, so neither side can replay an old handshake."""
    return f"{device}\n{spool}\n{server_nonce}\n{agent_nonce}".encode()


def rekey_bytes(*, device: str, old: str, new: str) -> bytes:
    """What both keys sign when a device changes its key; keys are base64 of 32 raw bytes."""
    return f"{device}\n{old}\n{new}".encode()


def welcome_bytes(
    *, device: str, server_nonce: str, agent_nonce: str, now: int, serial: int, mark: int
) -> bytes:
    """What the link key signs."""
    return f"{device}\n{server_nonce}\n{agent_nonce}\n{now}\n{serial}\n{mark}".encode()
