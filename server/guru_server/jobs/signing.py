"""Has orders and cancellations signed, and keeps the word of the state key that vouches for the key that does.

Gateways read what was signed from the database: nobody but this asks the signer for orders.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_server.jobs.tables import job_authority
from guru_server.signer.asking import Signatures
from guru_server.store.binding import whose
from guru_wire.orders import AUTHORITY_LIFE_MS, Authority, Command, Proof
from guru_wire.signing import Signed, key_id

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
    """The command key at work.

    `followed`: the word for it that was kept is another state key's, and was replaced: devices may have refused
    what they were sent beside it, and are to be told again. Whoever tells them sets it back.
    """

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self.followed = False

    def orders(
        self, tenant: str, job: str, command: Command, devices: Sequence[str], *, issued_at: int, expires_at: int
    ) -> list[Ordered]:
        """The orders of a job for these devices, GROUP of them in each. Braked or SignerAway: then there are none."""
        groups = [devices[start : start + GROUP] for start in range(0, len(devices), GROUP)]
        nonces = [[secrets.token_hex(16) for _ in group] for group in groups]
        found = self._signatures.orders(
            tenant, job, command, groups, nonces, issued_at=issued_at, expires_at=expires_at
        )
        return [Ordered(signed.model_dump_json(), proofs) for signed, proofs in found]

    async def ready(self) -> None:
        """SignerAway when nobody signs now. Asked before a transaction that signs: the one writer waits for nobody."""
        await asyncio.to_thread(self._signatures.hello)

    def key(self, tenant: str) -> str:
        """key_id() of the key that signs orders."""
        return self._signatures.id_of("command", tenant)

    def cancel(self, tenant: str, job: str, now: int) -> str:
        """The signed cancellation as it is sent, JSON."""
        return self._signatures.cancel(tenant, job, now).model_dump_json()

    def keep_authority(self, connection: Connection, tenant: str, now: int) -> None:
        """See to it that an authority of this key is in the database that is good for half of its time or more."""
        public = base64.b64encode(self._signatures.public("command", tenant)).decode()
        mine = (job_authority.c.tenant == tenant, job_authority.c.key == public)
        row = connection.execute(select(job_authority.c.expires_at, job_authority.c.signed).where(*mine)).one_or_none()
        lasting = row is not None and row.expires_at - now > AUTHORITY_LIFE_MS // 2
        same = row is not None and json.loads(row.signed)["key"] == self._signatures.id_of("state", tenant)
        if lasting and same:
            return
        self.followed |= row is not None and not same
        signed: Signed = self._signatures.authority(tenant, now)
        made = Authority.model_validate_json(signed.payload)
        connection.execute(_KEEP, {
            "tenant": tenant, "key": public, "signed": signed.model_dump_json(),
            "issued_at": made.issued_at, "expires_at": made.expires_at,
        })


def signed_by(key: str) -> str:
    """How everything ends that the key with this id signed, as it is stored: Signed names its key last."""
    return f'"key":"{key}"}}'


def vouched_for(authority: str) -> str:
    """key_id() of the key that an authority of ours, JSON, names."""
    named = Authority.model_validate_json(Signed.model_validate_json(authority).payload)
    return key_id(base64.b64decode(named.key))


def newest_authority(connection: Connection) -> str | None:
    """The newest authority as it is sent, JSON; None before the first job."""
    table = job_authority.c
    query = select(table.signed).where(table.tenant == whose(connection)).order_by(table.issued_at.desc()).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found
