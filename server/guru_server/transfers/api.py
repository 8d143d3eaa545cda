"""The transfers' part of the API: make one, fill it or read it chunk by chunk, drop it. Only its maker may."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Row

from guru_policy.errors import InputInvalid, NotFound
from guru_server.clock import Clock
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.rights.weighing import light
from guru_server.store.database import Database
from guru_server.transfers import forgetting, store
from guru_server.transfers.altered import Altered
from guru_server.transfers.digesting import Digests
from guru_wire.transfers import CHUNK, MAX_CHUNKS, Transfer, TransferAsk

Name = Annotated[str, Path(max_length=64)]
Number = Annotated[int, Path(ge=0, le=MAX_CHUNKS)]
BYTES = {"application/octet-stream": {
    "schema": {"type": "string", "format": "binary", "examples": ["bytes of the file"]}}}
VERBS = {"put": "file.put", "send": "file.get"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    clock: Clock
    digests: Digests
    bounds: store.Bounds


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = APIRouter(tags=["transfers"])

    @router.post("/transfers", status_code=201)
    @needs("file.get", "file.put", of="devices")
    async def make(ask: TransferAsk, rights: Asking) -> Transfer:
        """A new transfer: with a size for `file.put`, to be filled by its maker; without for `file.get`, by a device.
        """
        if (ask.size is None) != (ask.sha256 == ""):
            raise InputInvalid("a transfer has a size and a SHA-256, or neither", hint="give both to fill it yourself")
        if ask.size == 0 and ask.sha256 != store.NOTHING:
            raise InputInvalid("a file of no bytes has another SHA-256")
        rights.require_anywhere(VERBS["send" if ask.size is None else "put"])
        now = desk.clock()
        new = Transfer(
            id=uuid.uuid4().hex, size=ask.size, sha256=ask.sha256, chunks=0, expires_at=now + store.HOUR,
            state="whole" if ask.size == 0 else "filling")
        await desk.db.write(partial(store.make, new=new, actor=rights.actor, bounds=desk.bounds, now=now))
        return new

    @router.get("/transfers/{transfer}")
    @needs("file.get", "file.put", of="devices")
    async def show(transfer: Name, rights: Asking) -> Transfer:
        """How far it is."""
        return store.told_of(await _mine(desk, transfer, rights))

    @router.delete("/transfers/{transfer}", status_code=204)
    @needs("file.get", "file.put", of="devices")
    async def drop(transfer: Name, rights: Asking) -> None:
        """Forget it and all that it holds."""
        await _mine(desk, transfer, rights)
        await desk.db.write(partial(forgetting.leave, name=transfer))
        while await desk.db.write(partial(forgetting.forget_one, name=transfer)):
            pass

    _route_chunks(router, desk)
    return router


def _route_chunks(router: APIRouter, desk: Desk) -> None:
    @router.put("/transfers/{transfer}/chunks/{number}", status_code=204, openapi_extra={
        "requestBody": {"required": True, "content": BYTES}})
    @needs("file.get", "file.put", of="devices")
    @light
    async def fill(transfer: Name, number: Number, request: Request, rights: Asking) -> None:
        """The next chunk: its bytes, 256 KiB but for the last. One that is there already is compared.

        With the last one the digest of all of them is, too: 422 when it is not the one that was told.
        """
        found = await _mine(desk, transfer, rights)
        if found.way != "put":
            raise InputInvalid("a device fills this transfer")
        data, now = await _body(request), desk.clock()
        row = await desk.db.write(
            partial(store.append, name=transfer, number=number, data=data, bounds=desk.bounds, now=now))
        if row.chunks == number + 1:
            desk.digests.came(transfer, number, data)
        if store.full(row):
            told = store.Whole(row.chunks, row.size, row.sha256)
            row = await desk.digests.settled(row, told, desk.clock())
        if row.state == "failed":
            raise Altered("what came has not the SHA-256 that was told", hint="begin a new transfer")

    @router.get("/transfers/{transfer}/chunks/{number}", response_class=Response, responses={200: {"content": BYTES}})
    @needs("file.get", "file.put", of="devices")
    async def read(transfer: Name, number: Number, rights: Asking) -> Response:
        """The bytes of a chunk; 404 while it is not there."""
        row, now = await _mine(desk, transfer, rights), desk.clock()
        data = await desk.db.read(partial(store.chunk, name=transfer, number=number))
        if data is None:
            raise NotFound(f"chunk {number} is not there yet", hint=f"{row.chunks} are there")
        if now - row.used_at >= store.MINUTE:
            await desk.db.write(partial(store.touched, row=row, now=now))
        return Response(data, media_type="application/octet-stream")


async def _mine(desk: Desk, name: str, rights: Rights) -> Row[Any]:
    """The sender's own transfer, while there is any file for which its verb is allowed."""
    row = await desk.db.read(partial(store.find, name=name, actor=rights.actor))
    rights.require_anywhere(VERBS[row.way])
    return row


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > CHUNK:
            raise InputInvalid(f"a chunk has more than {CHUNK:,} bytes")
    return bytes(data)
