"""What `guru-server tenant` does, on this machine. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, Refused
from guru_server.audit.log import record
from guru_server.clock import wall
from guru_server.keys import files, keys
from guru_server.secrets.opening import Opener
from guru_server.settings import ServerSettings
from guru_server.store.binding import LANDLORD
from guru_server.store.database import Database
from guru_server.store.migrate import migrate
from guru_server.tables import metadata
from guru_server.tenants import store
from guru_server.tenants.deleting import delete_rows
from guru_server.tenants.exporting import export as write_archive
from guru_server.tenants.quotas import Quotas

ResultT = TypeVar("ResultT")
PATIENCE = 30.0                         # seconds for the server to close the tenant's door
_LOOK = 0.2


def create(settings: ServerSettings, name: str, quotas: Quotas) -> None:
    """Make a tenant with a folder and keys of its own; a running server opens its door within seconds."""
    own, now = settings.of(name), wall()
    migrate(settings.database_url)
    asyncio.run(_landlord(settings, lambda connection: store.create(connection, name, quotas, now)))
    made = keys.make_tenant(own.keys, own.passphrase, signer=own.signer_files)
    _tell(settings, "TenantCreated", name)
    say(f"keys: made {', '.join(made) or 'nothing, all are there'} in {own.keys}")
    say(f"its repository and its other settings stand under tenants.{name} of the server's configuration")
    say(f"its first admin: guru-server admin create NAME --tenant {name}")
    say(f"secrets for its devices are encrypted for {Opener(keys.load_age(own.keys, own.passphrase)).recipient}, too")
    sys.stdout.write(f"{own.public_url}\n")


def listed(settings: ServerSettings) -> None:
    """Print every tenant, tab-separated: name, state, repository."""
    migrate(settings.database_url)
    for one in asyncio.run(_landlord(settings, store.every)):
        sys.stdout.write(f"{one.name}\t{one.state}\t{settings.of(one.name).git.url or ''}\n")


def show(settings: ServerSettings, name: str) -> None:
    """Print what is known of one, a line each."""
    one, own = known(settings, name), settings.of(name)
    for key, value in (
        ("name", one.name), ("state", one.state), ("url", own.public_url), ("repository", own.git.url or ""),
        ("folder", own.data), ("created_at", one.created_at),
        *((f"most.{key}", value) for key, value in one.quotas.model_dump().items() if value is not None),
    ):
        sys.stdout.write(f"{key}\t{value}\n")


def allow(settings: ServerSettings, name: str, quotas: Quotas) -> None:
    """Change what a tenant may have; what is not named stays as it is."""
    merged = known(settings, name).quotas.model_copy(update=quotas.model_dump(exclude_none=True))
    now = wall()
    asyncio.run(_landlord(settings, lambda connection: store.allow(connection, name, merged, now)))
    told = ", ".join(f"{key} {value}" for key, value in merged.model_dump(exclude_none=True).items())
    _tell(settings, "TenantQuotasChanged", name, told)
    say(f"{name} may have: {told or 'anything'}")


def put(settings: ServerSettings, name: str, state: store.State) -> None:
    """Close a tenant's door, or open it again; its rows and keys stay."""
    known(settings, name)
    now = wall()
    asyncio.run(_landlord(settings, lambda connection: store.put(connection, name, state, now)))
    _tell(settings, "TenantSuspended" if state == "suspended" else "TenantResumed", name)
    say(f"the tenant {name} is {state}; servers follow within seconds")


def export(settings: ServerSettings, name: str, out: Path) -> None:
    """Write everything that the database holds of a tenant, without its secrets."""
    known(settings, name)
    now = wall()
    rows = asyncio.run(_of(settings, name, partial(
        write_archive, tables=metadata.tables.values(), path=out.absolute(), now=now), write=False))
    _tell(settings, "TenantExported", name, f"{sum(rows.values()):,} rows")
    say(f"{out}: {sum(rows.values()):,} rows of {len(rows)} tables; its fleet repository is with whoever hosts it")


def delete(settings: ServerSettings, name: str, sure: bool) -> None:
    """Remove a tenant: its rows, its keys, its mirror. It cannot be undone, and can be run again when it was cut."""
    known(settings, name)
    if not sure:
        raise InputInvalid(f"everything of {name} would be gone for ever", hint=f"tenant delete {name} --yes")
    own, now = settings.of(name), wall()
    asyncio.run(_landlord(settings, lambda connection: store.begin_deleting(connection, name, now)))
    with _closed(own.data):
        shutil.rmtree(own.data, ignore_errors=True)
        if own.data.exists():
            raise Refused(f"{own.data} could not be removed", hint="look whose it is, then run this again")
        counted = asyncio.run(_delete(settings, name))
    _tell(settings, "TenantDeleted", name, f"{sum(counted.values()):,} rows of {len(counted)} tables")
    say(f"the tenant {name} is gone: {sum(counted.values()):,} rows, its keys and its mirror")
    say("what stays: this server's log that it was here, backups, its anchors, and copies of its keys elsewhere")


def known(settings: ServerSettings, name: str) -> store.Tenant:
    """The tenant; NotFound when there is none."""
    migrate(settings.database_url)
    return asyncio.run(_landlord(settings, lambda connection: store.get(connection, name)))


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{text}\n")


async def _delete(settings: ServerSettings, name: str) -> dict[str, int]:
    db = Database.open(settings.database_url)
    try:
        return await delete_rows(db.of(name), reversed(metadata.sorted_tables))
    finally:
        await db.close()


async def _landlord(settings: ServerSettings, work: Callable[[Connection], ResultT]) -> ResultT:
    return await _of(settings, LANDLORD, work)


async def _of(
    settings: ServerSettings, tenant: str, work: Callable[[Connection], ResultT], *, write: bool = True
) -> ResultT:
    db = Database.open(settings.database_url)
    try:
        handle = db.of(tenant)
        return await (handle.write(work) if write else handle.read(work))
    finally:
        await db.close()


def _tell(settings: ServerSettings, action: str, name: str, how: str = "done") -> None:
    """In the first tenant's log: that of whoever runs the server."""
    now = wall()
    asyncio.run(_of(settings, settings.tenant, lambda connection: record(
        connection, now, "server", action, f"tenant:{name}", how)))


@contextmanager
def _closed(data: Path) -> Iterator[None]:
    """Hold the lock of the tenant's folder; Refused while a server of this machine still serves it."""
    files.make_folder(data)
    with (data / "server.lock").open("ab") as lock:
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as cause:
                if time.monotonic() > ends:
                    raise Refused(
                        f"a server still works in {data}", hint="look at its log, or stop it; then run this again"
                    ) from cause
            time.sleep(_LOOK)
        yield
