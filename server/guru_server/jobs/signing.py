"""Signs orders and cancellations, and keeps the word of the state key that vouches for the key that does.

It holds both keys, so it never enters a gateway's process: gateways read what was signed from the database.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select, text

from guru_server.jobs.tables import job_authority
from guru_server.store.schema import TENANT
from guru_wire.orders import (
    AUTHORITY_LIFE_MS,
    Authority,
    Cancelled,
    Command,
    Order,
    Proof,
    seal_authority,
    seal_cancel,
    seal_order,
    tree,
)
from guru_wire.signing import public_bytes

GROUP = 128                             # devices of one signature: proofs of seven steps
_KEEP = text(
    "INSERT INTO job_authority (tenant, key, signed, issued_at, expires_at)"
    " VALUES (:tenant, :key, :signed, :issued_at, :expires_at) ON CONFLICT (tenant, key) DO UPDATE"
    " SET signed = excluded.signed, issued_at = excluded.issued_at, expires_at = excluded.expires_at"
)


class Ordered(NamedTuple):
    """Some devices' order as it is sent, JSON, and a proof for each in their order."""

    signed: str
    proofs: Sequence[Proof]


class Signer:
    """The command key at work."""

    def __init__(self, state: Ed25519PrivateKey, command: Ed25519PrivateKey) -> None:
        self._state, self._command = state, command
        self._public = base64.b64encode(public_bytes(command)).decode()

    def orders(
        self, job: str, command: Command, devices: Sequence[str], *, issued_at: int, expires_at: int
    ) -> list[Ordered]:
        """The orders of a job for these devices, GROUP of them in each."""
        found = []
        for start in range(0, len(devices), GROUP):
            group = devices[start : start + GROUP]
            root, proofs = tree(group, [secrets.token_hex(16) for _ in group])
            order = Order(job=job, root=root, issued_at=issued_at, expires_at=expires_at, command=command)
            found.append(Ordered(seal_order(self._command, order).model_dump_json(), proofs))
        return found

    def cancel(self, job: str, now: int) -> str:
        """The signed cancellation as it is sent, JSON."""
        return seal_cancel(self._command, Cancelled(job=job, issued_at=now)).model_dump_json()

    def keep_authority(self, connection: Connection, now: int) -> None:
        """See to it that an authority of this key is in the database that is good for half of its time or more."""
        mine = (job_authority.c.tenant == TENANT, job_authority.c.key == self._public)
        until = connection.execute(select(job_authority.c.expires_at).where(*mine)).scalar()
        if until is not None and until - now > AUTHORITY_LIFE_MS // 2:
            return
        made = Authority(key=self._public, issued_at=now, expires_at=now + AUTHORITY_LIFE_MS)
        connection.execute(_KEEP, {
            "tenant": TENANT, "key": self._public, "signed": seal_authority(self._state, made).model_dump_json(),
            "issued_at": made.issued_at, "expires_at": made.expires_at,
        })


def newest_authority(connection: Connection) -> str | None:
    """The newest authority as it is sent, JSON; None before the first job."""
    table = job_authority.c
    query = select(table.signed).where(table.tenant == TENANT).order_by(table.issued_at.desc()).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found
