"""Chunks over the agents' links: a device gets and brings those of transfers that an open run of its own names.

It knows no link: a gateway asks, in the server or in a process of its own.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from guru_policy.errors import Conflict, InputInvalid, NotFound, Refused
from guru_server.clock import Clock
from guru_server.store.database import Database
from guru_server.transfers import store
from guru_server.transfers.digesting import Digests
from guru_server.transfers.using import named_by
from guru_wire.chunks import ChunkEnd, ChunkGet, ChunkGot, ChunkHere, ChunkNo, ChunkPut, Question, Reply, chunks_of

GONE = "the transfer is gone, or the run that named it is over"


class _Found(NamedTuple):
    row: Row[Any]
    data: bytes


class Carrying:
    """Answers the questions of devices."""

    def __init__(self, db: Database, clock: Clock, digests: Digests, bounds: store.Bounds) -> None:
        self._db, self._clock, self._digests, self._bounds = db, clock, digests, bounds
        self._settling: dict[str, asyncio.Task[Row[Any]]] = {}

    async def answer(self, device: str, question: Question) -> Reply:
        """What the device is told. Unreachable when the database is away: it asks again."""
        try:
            if isinstance(question, ChunkGet):
                return await self._give(device, question)
            if isinstance(question, ChunkPut):
                return await self._take(device, question)
            return await self._end(device, question)
        except (Conflict, InputInvalid, NotFound, Refused) as error:
            return ChunkNo(transfer=question.transfer, reason=error.message)

    async def _give(self, device: str, asked: ChunkGet) -> Reply:
        found = await self._db.read(partial(_given, device=device, asked=asked))
        now = self._clock()
        if now - found.row.used_at >= store.MINUTE:
            await self._db.write(partial(store.touched, row=found.row, now=now))
        text = base64.b64encode(found.data).decode()
        return ChunkHere(transfer=asked.transfer, number=asked.number, data=text)

    async def _take(self, device: str, asked: ChunkPut) -> Reply:
        try:
            data = base64.b64decode(asked.data, validate=True)
        except binascii.Error as cause:
            raise InputInvalid("a chunk is base64") from cause
        row = await self._db.write(
            partial(_taken, device=device, asked=asked, data=data, bounds=self._bounds, now=self._clock()))
        if row.chunks == asked.number + 1:
            self._digests.came(asked.transfer, asked.number, data)
        return ChunkGot(transfer=asked.transfer, chunks=row.chunks)

    async def _end(self, device: str, asked: ChunkEnd) -> Reply:
        row = await self._db.read(
            partial(_open, device=device, run=asked.run, transfer=asked.transfer, way="send"))
        if row.state == "filling" and row.chunks == chunks_of(asked.size):
            row = await self._settled(row, store.Whole(row.chunks, asked.size, asked.sha256))
        if row.state != "whole" or (row.size, row.sha256) != (asked.size, asked.sha256):
            return ChunkNo(transfer=asked.transfer, reason="what arrived is not what the file is now")
        return ChunkGot(transfer=asked.transfer, chunks=row.chunks, whole=True)

    async def _settled(self, row: Row[Any], told: store.Whole) -> Row[Any]:
        """Compare the digest once, however often it is asked for meanwhile: reading a large file again takes time."""
        task = self._settling.get(row.id)
        if task is None:
            task = asyncio.create_task(self._digests.settled(row, told, self._clock()))
            self._settling[row.id] = task
            task.add_done_callback(lambda _: self._settling.pop(row.id, None))
        return await asyncio.shield(task)


def _open(connection: Connection, *, device: str, run: str, transfer: str, way: str) -> Row[Any]:
    """The transfer, when an open run of this device names it; a GuruError that tells nothing else when not.

    A `put` may be of what another device sent.
    """
    row = store.by_id(connection, transfer)
    mine = row is not None and (way == "put" or (row.way == way and row.device == device))
    if row is None or not mine or not named_by(connection, transfer, job=run, device=device):
        raise NotFound(GONE)
    return row


def _given(connection: Connection, *, device: str, asked: ChunkGet) -> _Found:
    row = _open(connection, device=device, run=asked.run, transfer=asked.transfer, way="put")
    data = store.chunk(connection, asked.transfer, asked.number) if row.state == "whole" else None
    if data is None:
        raise NotFound("the transfer has no such chunk")
    return _Found(row, data)


def _taken(
    connection: Connection, *, device: str, asked: ChunkPut, data: bytes, bounds: store.Bounds, now: int
) -> Row[Any]:
    _open(connection, device=device, run=asked.run, transfer=asked.transfer, way="send")
    return store.append(connection, asked.transfer, asked.number, data, bounds, now)
