"""What a signature is for, and the exact bytes that are signed. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Purpose = Literal[
    "manifest", "hello", "welcome", "enrol", "sealing", "audit", "authority", "order", "cancel", "succession", "trust",
    "rekey",
]
MANIFEST_LIFE_MS = 7 * 24 * 3600 * 1000     # an agent takes no manifest older than this
AUTHORITY_LIFE_MS = 7 * 24 * 3600 * 1000
MAX_LIFE_MS = 30 * 24 * 3600 * 1000         # an order may wait no longer


class Proof(NamedTuple):
    """That a device is one of those of an order: its leaf's nonce, its place, and the hashes beside its way up."""

    nonce: str
    place: int
    path: tuple[str, ...]


def tagged(purpose: Purpose, payload: bytes) -> bytes:
    """What is signed: a signature for one purpose is worthless for another."""
    return b"guru/v1/" + purpose.encode() + b"\0" + payload


def key_id(public: bytes) -> str:
    """The first 16 hex digits of SHA-256 over the 32 raw bytes of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def canonical(row: Mapping[str, str | int]) -> bytes:
    """The bytes of a row or checkpoint that are hashed or signed (RFC 8785); empty fields are left out."""
    told = {name: value for name, value in row.items() if value != ""}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def order_text(job: str, root: str, issued_at: int, expires_at: int, command: str) -> str:
    """The JSON of guru_wire.orders.Order, around a Command that is JSON already."""
    return (
        f'{{"job":"{job}","root":"{root}","issued_at":{issued_at},"expires_at":{expires_at},"command":{command}}}'
    )


def tree(devices: Sequence[str], nonces: Sequence[str]) -> tuple[str, list[Proof]]:
    """The root over these devices, at least one, each with its own nonce; and a proof for each, in their order."""
    levels = [[leaf(device, nonce) for device, nonce in zip(devices, nonces, strict=True)]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        even = below if len(below) % 2 == 0 else [*below, below[-1]]
        levels.append([node(even[at], even[at + 1]) for at in range(0, len(even), 2)])
    hexed = [[one.hex() for one in level] for level in levels[:-1]]
    proofs = []
    for place, nonce in enumerate(nonces):
        at, path = place, []
        for level in hexed:
            path.append(level[min(at ^ 1, len(level) - 1)])
            at >>= 1
        proofs.append(Proof(nonce, place, tuple(path)))
    return levels[-1][0].hex(), proofs


def leaf(device: str, nonce: str) -> bytes:
    """The hash of one device of an order."""
    return hashlib.sha256(b"\0" + f"{device}\n{nonce}".encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two hashes."""
    return hashlib.sha256(b"\1" + left + right).digest()
