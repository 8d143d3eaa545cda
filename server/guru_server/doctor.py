"""What `guru doctor` looks at on the server: database, disk, certificate, repository. Looks only."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from guru_server.api.health import Probe
from guru_server.clock import Clock
from guru_server.gitops.store import fetch_error
from guru_server.secrets.opening import Opener
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.store.wall import climbs, unwalled
from guru_wire.health import Diagnosis

LOW_BYTES, LOW_SHARE = 1 << 30, 0.05


def probes(
    db: Database, data: Path, certificate: Path, remote: str | None, clock: Clock, opener: Opener
) -> list[Probe]:
    """Every probe of this server."""

    async def database() -> Diagnosis:
        if await db.read(climbs):
            return Diagnosis(
                name="database", ok=False, message="its role is one that row-level security does not bind",
                fix="give the server a role of its own: neither superuser nor BYPASSRLS (docs/tenants.md)",
            )
        bare = await db.read(unwalled)
        return Diagnosis(
            name="database", ok=not bare,
            message=f"tables without row-level security: {', '.join(bare)}" if bare else f"{db.dialect} answers",
            fix="guru-server migrate" if bare else "",
        )

    async def disk() -> Diagnosis:
        usage = await asyncio.to_thread(shutil.disk_usage, data)
        fine = usage.free > LOW_BYTES and usage.free > usage.total * LOW_SHARE
        return Diagnosis(
            name="disk", ok=fine, message=f"{usage.free >> 20} MiB are free in {data}",
            fix="" if fine else "make room, or move the data folder",
        )

    async def tls() -> Diagnosis:
        pem = await asyncio.to_thread(certificate.read_bytes)
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
        days = (ends - datetime.fromtimestamp(clock() / 1000, UTC)).days
        return Diagnosis(
            name="certificate", ok=days > 7, message=f"the TLS certificate is good for {days} days",
            fix="" if days > 7 else "restart the server and look at its log: it renews by itself",
        )

    async def repository() -> Diagnosis:
        if remote is None:
            return Diagnosis(
                name="repository", ok=False, message="no fleet repository is set", fix="set git.url"
            )
        error, _ = await db.read(lambda connection: fetch_error(connection, whose(connection)))
        return Diagnosis(
            name="repository", ok=not error, message=error or f"{remote} was fetched",
            fix="look at git.url and its credentials" if error else "",
        )

    async def secrets() -> Diagnosis:
        recipient = await asyncio.to_thread(lambda: opener.recipient)
        return Diagnosis(name="secrets", ok=True, message=f"secrets encrypted for {recipient} open here")

    return [database, disk, tls, repository, secrets]
