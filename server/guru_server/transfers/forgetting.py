"""Lets transfers go: those that ended or that nobody used for an hour, some chunks at a time."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select

from guru_server.jobs.tables import job
from guru_server.store.binding import whose
from guru_server.transfers.store import HOUR
from guru_server.transfers.tables import transfer, transfer_chunk, transfer_use

AT_ONCE = 32                            # chunks in one transaction: 8 MiB, so that others write in between


def leave(connection: Connection, name: str) -> None:
    """Nobody finds it any more; `forget_one` frees its room."""
    mine = (transfer.c.tenant == whose(connection), transfer.c.id == name)
    connection.execute(transfer.update().where(*mine).values(state="gone"))


def forget(connection: Connection, now: int) -> int:
    """Drop a part of a transfer that is over; how much, 0 when there is none. One that an open job names stays."""
    open_jobs = exists().where(
        transfer_use.c.tenant == whose(connection), transfer_use.c.transfer == transfer.c.id,
        job.c.tenant == whose(connection), job.c.id == transfer_use.c.job, job.c.finished_at.is_(None))
    old = (transfer.c.used_at < now - HOUR) & ~open_jobs
    over = transfer.c.state.in_(("failed", "gone")) | old
    name = connection.execute(
        select(transfer.c.id).where(transfer.c.tenant == whose(connection), over).limit(1)).scalar()
    return 0 if name is None else forget_one(connection, name)


def forget_one(connection: Connection, name: str) -> int:
    """Drop some of its chunks, or the rest of it once there are none; how much, 0 when there is nothing of it."""
    here = (transfer_chunk.c.tenant == whose(connection), transfer_chunk.c.transfer == name)
    some = list(connection.execute(select(transfer_chunk.c.number).where(*here).limit(AT_ONCE)).scalars())
    if some:
        leave(connection, name)
        connection.execute(delete(transfer_chunk).where(*here, transfer_chunk.c.number.in_(some)))
        return len(some)
    connection.execute(delete(transfer_use).where(
        transfer_use.c.tenant == whose(connection), transfer_use.c.transfer == name))
    return connection.execute(delete(transfer).where(
        transfer.c.tenant == whose(connection), transfer.c.id == name)).rowcount
