"""One transfer in the database: made, filled in order, read, found whole. In the caller's short transaction.

A chunk that is there already is compared, so that whoever got no answer asks again. All chunks but the last are full.
"""

from __future__ import annotations

import hmac
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select

from guru_policy.errors import Conflict, InputInvalid, NotFound, Refused
from guru_server.audit.log import record
from guru_server.store.binding import whose
from guru_server.tenants.tables import tenants
from guru_server.transfers.tables import transfer as table
from guru_server.transfers.tables import transfer_chunk
from guru_wire.chunks import CHUNK, chunks_of
from guru_wire.transfers import Transfer

MOST = 1_000                            # transfers of one tenant
STEP = 16 << 20                         # bytes that are reserved at once for a file of which nobody knows the size
HOUR = 3_600_000
MINUTE = 60_000
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"     # SHA-256 of no bytes (FIPS 180-4)


class Bounds(NamedTuple):
    """Bytes: of one file, and of all of a tenant."""

    largest: int
    all: int


class Whole(NamedTuple):
    """What is there, and the digest of all of it."""

    chunks: int
    size: int
    sha256: str


def make(connection: Connection, new: Transfer, actor: str, bounds: Bounds, now: int) -> None:
    """Begin it. InputInvalid for a file that is too large, Refused when the tenant has no room for it."""
    if (new.size or 0) > bounds.largest:
        raise too_large(bounds)
    _make_room(connection, new.size or 0, bounds, one=True)
    connection.execute(table.insert().values(
        tenant=whose(connection), id=new.id, actor=actor, way="send" if new.size is None else "put", device="",
        size=new.size, sha256=new.sha256, chunks=0, bytes=0, reserved=new.size or 0, state=new.state, created_at=now,
        used_at=now,
    ))
    told = "a device fills it" if new.size is None else f"{new.size} bytes, sha256 {new.sha256}"
    record(connection, now, actor, "TransferMade", f"transfer:{new.id}", told)


def find(connection: Connection, name: str, actor: str) -> Row[Any]:
    """The actor's own transfer; NotFound for all others."""
    row = by_id(connection, name)
    if row is None or row.actor != actor:
        raise missing()
    return row


def by_id(connection: Connection, name: str, *, hold: bool = False) -> Row[Any] | None:
    """The transfer, whoever made it; with `hold` nobody else changes it until the transaction ends."""
    query = select(table).where(_at(connection, name), table.c.state != "gone")
    return connection.execute(query.with_for_update() if hold else query).one_or_none()


def append(connection: Connection, name: str, number: int, data: bytes, bounds: Bounds, now: int) -> Row[Any]:
    """Take a chunk, or see that it is the one that is there; the transfer as it is then.

    Conflict for another one than that, or out of order; InputInvalid for one of a wrong size.
    """
    row = by_id(connection, name, hold=True)
    if row is None:
        raise missing()
    if number < row.chunks:
        if not hmac.compare_digest(chunk(connection, name, number) or b"", data):
            raise Conflict(f"chunk {number} is there, and is another one", hint="begin a new transfer")
        return touched(connection, row, now)
    if number > row.chunks or row.state != "filling":
        raise Conflict(f"chunk {number} is not the next one: {row.chunks} are there", hint="go on with the next one")
    size = row.bytes + len(data)
    last = size == row.size if row.way == "put" else 0 < len(data) <= CHUNK
    if row.bytes != number * CHUNK or not (last or len(data) == CHUNK) or size > (row.size or size):
        raise InputInvalid(f"a chunk has {CHUNK:,} bytes, and only the last one less")
    if size > bounds.largest:
        raise too_large(bounds)
    reserved = row.reserved
    if size > reserved:
        reserved += STEP
        _make_room(connection, STEP, bounds)
    connection.execute(transfer_chunk.insert().values(
        tenant=whose(connection), transfer=name, number=number, data=data))
    connection.execute(table.update().where(_at(connection, name)).values(
        chunks=number + 1, bytes=size, reserved=reserved, used_at=now))
    return connection.execute(select(table).where(_at(connection, name))).one()


def chunk(connection: Connection, name: str, number: int) -> bytes | None:
    """The bytes of a chunk; None when it is not there."""
    query = select(transfer_chunk.c.data).where(
        transfer_chunk.c.tenant == whose(connection), transfer_chunk.c.transfer == name,
        transfer_chunk.c.number == number)
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def touched(connection: Connection, row: Row[Any], now: int) -> Row[Any]:
    """The same, noted as used; at most once a minute."""
    if now - row.used_at >= MINUTE:
        connection.execute(table.update().where(_at(connection, row.id)).values(used_at=now))
    return row


def full(row: Row[Any]) -> bool:
    """Whether all that was announced is there, and nobody compared its digest yet."""
    return bool(row.state == "filling" and row.way == "put" and row.chunks == chunks_of(row.size))


def settle(connection: Connection, name: str, told: Whole, found: str, now: int) -> Row[Any]:
    """Compare the digest that was told with the one that was `found` of these chunks: whole from now on, or failed."""
    row = by_id(connection, name, hold=True)
    if row is None:
        raise missing()
    if row.state != "filling" or row.chunks != told.chunks:
        return row
    same = row.bytes == told.size and hmac.compare_digest(found, told.sha256)
    state = "whole" if same else "failed"
    here = {"size": told.size, "sha256": told.sha256, "reserved": told.size} if same else {}
    connection.execute(table.update().where(_at(connection, name)).values(state=state, used_at=now, **here))
    how = f"{row.bytes} bytes, sha256 {found}"
    record(connection, now, row.actor, "TransferEnded", f"transfer:{name}",
           f"whole: {how}" if same else f"failed: {how}, and {told.size} bytes, sha256 {told.sha256}, were told",
           device=row.device)
    return connection.execute(select(table).where(_at(connection, name))).one()


def told_of(row: Row[Any]) -> Transfer:
    """What its maker is told."""
    return Transfer(
        id=row.id, size=row.size, sha256=row.sha256, chunks=row.chunks, state=row.state, expires_at=row.used_at + HOUR)


def missing() -> NotFound:
    """There is none, or it is somebody else's."""
    return NotFound("there is no such transfer", hint="one that nobody used for an hour is forgotten")


def too_large(bounds: Bounds) -> InputInvalid:
    """It is larger than the server takes."""
    return InputInvalid(f"a file of up to {bounds.largest:,} bytes is transferred",
                        hint="whoever runs the server can raise it: transfers.largest")


def _make_room(connection: Connection, more: int, bounds: Bounds, *, one: bool = False) -> None:
    """Return when there may be so many bytes more, and `one` transfer; of two at once, one waits for the other."""
    connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == whose(connection)).with_for_update())
    mine = table.c.tenant == whose(connection)
    count, there = connection.execute(
        select(func.count(), func.coalesce(func.sum(table.c.reserved), 0)).where(mine)).one()
    if there + more > bounds.all or (one and count >= MOST):
        raise Refused(f"{count:,} transfers are under way, of {int(there):,} bytes together: there is no room for more",
                      hint="wait until they are over; whoever runs the server can raise it: transfers.all")


def _at(connection: Connection, name: str) -> ColumnElement[bool]:
    return (table.c.tenant == whose(connection)) & (table.c.id == name)
