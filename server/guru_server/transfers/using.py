"""Which jobs name a transfer, and which device may have it by that. It looks into no order."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_policy.errors import Conflict, InputInvalid
from guru_server.store.binding import whose
from guru_server.transfers import store
from guru_server.transfers.tables import transfer, transfer_use

_NAMED = text(
    "SELECT r.job FROM transfer_use u JOIN job_run r ON r.tenant = u.tenant AND r.job = u.job"
    " WHERE u.tenant = :tenant AND u.transfer = :transfer AND u.job = :job AND r.device = :device"
    " AND r.state IN ('queued', 'sent', 'running')"
)


class Content(NamedTuple):
    """What a transfer brings to devices."""

    size: int
    sha256: str


def content_of(connection: Connection, name: str, actor: str) -> Content:
    """What the actor's whole transfer brings, whoever filled it; NotFound for another's, Conflict while not whole."""
    row = store.find(connection, name, actor)
    if row.state != "whole":
        raise Conflict("the transfer is not whole", hint="send all of its chunks first")
    return Content(row.size, row.sha256)


def empty_of(connection: Connection, name: str, actor: str) -> None:
    """Return when a device may fill the actor's transfer."""
    row = store.find(connection, name, actor)
    if row.way != "send":
        raise InputInvalid("a device fills a transfer that was made without a size")
    if row.state != "filling":
        raise Conflict("the transfer has its content already", hint="make another one")


def name_it(connection: Connection, name: str, job: str, *, device: str, now: int) -> None:
    """The job names the transfer from now on; with `device` that one fills it, and no other does."""
    row = store.by_id(connection, name, hold=True)
    if row is None:
        raise store.missing()
    if device and row.device not in ("", device):
        raise Conflict("another device fills this transfer", hint="make another one")
    here = (transfer.c.tenant == whose(connection), transfer.c.id == name)
    connection.execute(transfer.update().where(*here).values(device=device or row.device, used_at=now))
    known = select(transfer_use.c.job).where(
        transfer_use.c.tenant == whose(connection), transfer_use.c.transfer == name, transfer_use.c.job == job)
    if connection.execute(known).first() is None:
        connection.execute(transfer_use.insert().values(tenant=whose(connection), transfer=name, job=job))


def named_by(connection: Connection, name: str, *, job: str, device: str) -> bool:
    """Whether a run of this device that is not over names the transfer."""
    values = {"tenant": whose(connection), "transfer": name, "job": job, "device": device}
    return connection.execute(_NAMED, values).first() is not None
