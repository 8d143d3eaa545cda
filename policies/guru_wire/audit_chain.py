"""The audit log as a hash chain: what is hashed, what is signed, and where a chain breaks. Pure; it reads nothing.

A row's hash is SHA-256 over `guru/v1/audit`, a zero byte, the 32 bytes of the hash before it, and the row in the
JSON Canonicalization Scheme (RFC 8785): of text and whole numbers alone, so sorted keys and no blanks are all of it.
Fields that are empty are left out, so that a field which is added later changes no hash of before.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import InputInvalid, Untrusted
from guru_wire.purposes import canonical
from guru_wire.signing import public_bytes, sign, verify

GENESIS = "0" * 64                      # the hash before the first row
_TAG = b"guru/v1/audit\0"


class Entry(NamedTuple):
    """One row. `at` is ms UTC, texts are empty when they do not apply; `hash` is 64 hex digits."""

    tenant: str
    seq: int                            # from 1, without gaps
    at: int
    actor: str                          # person:NAME | token:ID | device:ID | signer:KEY | author:NAME | server
    action: str                         # DeviceEnrolled, LabelsChanged, ...
    object: str
    result: str
    device: str = ""
    customer: str = ""
    revision: str = ""
    rule: str = ""
    request: str = ""
    address: str = ""
    hash: str = ""


class Checkpoint(NamedTuple):
    """The audit key's word that the chain had this hash at this row at this time. Key and signature are base64."""

    tenant: str
    seq: int
    hash: str
    at: int
    key: str
    signature: str


class Position(NamedTuple):
    """How far a chain was followed."""

    seq: int = 0
    hash: str = GENESIS


class Break(NamedTuple):
    """The first row at which a chain does not hold, and why."""

    seq: int
    why: str


def linked(before: str, entry: Entry) -> str:
    """The hash of `entry` after the row with the hash `before`; its own `hash` does not count."""
    row = entry._asdict()
    del row["hash"]
    return hashlib.sha256(_TAG + bytes.fromhex(before) + canonical(row)).hexdigest()


def chained(at: Position, entries: Iterable[Entry]) -> tuple[list[Entry], Position]:
    """The entries with the numbers and hashes that follow `at`, and where the chain stands then."""
    made: list[Entry] = []
    for entry in entries:
        numbered = entry._replace(seq=at.seq + 1)
        at = Position(numbered.seq, linked(at.hash, numbered))
        made.append(numbered._replace(hash=at.hash))
    return made, at


def signed(private: Ed25519PrivateKey, tenant: str, at: Position, now: int) -> Checkpoint:
    """A checkpoint of this position at `now` (ms UTC)."""
    key = base64.b64encode(public_bytes(private)).decode()
    bare = Checkpoint(tenant, at.seq, at.hash, now, key, "")
    return bare._replace(signature=base64.b64encode(sign(private, "audit", _payload(bare))).decode())


def genuine(checkpoint: Checkpoint, keys: Collection[str]) -> bool:
    """Whether one of these keys (base64) signed exactly this checkpoint."""
    if checkpoint.key not in keys:
        return False
    try:
        public = base64.b64decode(checkpoint.key, validate=True)
        signature = base64.b64decode(checkpoint.signature, validate=True)
        verify(public, "audit", _payload(checkpoint), signature)
    except (ValueError, Untrusted):
        return False
    return True


def followed(at: Position, entries: Iterable[Entry], marks: Mapping[int, Sequence[Checkpoint]]) -> Position | Break:
    """Where the chain stands after these rows, or the first one at which it breaks.

    `marks` are genuine checkpoints by row, from the log itself or from an anchor.
    """
    for entry in entries:
        if entry.seq != at.seq + 1:
            return Break(at.seq + 1, f"row {at.seq + 1} is missing: after row {at.seq} comes row {entry.seq}")
        if entry.hash != linked(at.hash, entry):
            return Break(entry.seq, f"row {entry.seq} is not as it was written: its hash is of other words")
        if (broken := denied(Position(entry.seq, entry.hash), marks)) is not None:
            return broken
        at = Position(entry.seq, entry.hash)
    return at


def denied(at: Position, marks: Mapping[int, Sequence[Checkpoint]]) -> Break | None:
    """The break when a checkpoint of this row was signed over another hash."""
    if all(mark.hash == at.hash for mark in marks.get(at.seq, ())):
        return None
    last = max((seq for seq in marks if seq < at.seq), default=0)
    why = f"rows {last + 1} to {at.seq} were written anew: the checkpoint of row {at.seq} was signed over others"
    return Break(last + 1, why)


def unfinished(at: Position, marks: Mapping[int, Sequence[Checkpoint]]) -> Break | None:
    """The break when a checkpoint knows of rows after the last one."""
    newest = max(marks, default=0)
    if newest <= at.seq:
        return None
    return Break(at.seq + 1, f"rows {at.seq + 1} to {newest} are missing at the end: a checkpoint was signed over them")


def line_of(checkpoint: Checkpoint) -> str:
    """A checkpoint as the one line of JSON that anchors hold."""
    return canonical(checkpoint._asdict()).decode()


def read_line(line: str) -> Checkpoint:
    """The checkpoint of an anchor's line; InputInvalid for anything else. Its signature is not looked at."""
    try:
        row = json.loads(line[:4096])
        return Checkpoint(
            str(row["tenant"]), int(row["seq"]), str(row["hash"]), int(row["at"]), str(row["key"]),
            str(row["signature"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise InputInvalid("a line of the anchor is no checkpoint", hint="was it cut off?") from cause


def _payload(checkpoint: Checkpoint) -> bytes:
    row = checkpoint._asdict()
    del row["signature"]
    return canonical(row)
