"""The inventory's part of the API: what a device has, what changed, who has what, and finding devices by anything."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, NotFound
from guru_policy.inventory import Device
from guru_policy.query.kept import KEPT_BY_NAME
from guru_policy.selector import parse
from guru_server.cursors import LAST, cut, number_of
from guru_server.fleet.finding import GitLabels, matching
from guru_server.fleet.reading import resolve
from guru_server.inventory import reading
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.holdings import (
    ChangedRow,
    DeviceInventory,
    FoundDevice,
    HeldRow,
    PendingUpdates,
    SoftwareHolder,
    SoftwareRow,
)
from guru_wire.operator import Page

ItemT = TypeVar("ItemT", SoftwareRow, SoftwareHolder, PendingUpdates, FoundDevice, HeldRow)
Read = Callable[[Connection, str, Mapping[str, Device]], list[ItemT]]
MOST = 10_000                           # rows of one page

Selector = Annotated[str, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query(max_length=20)]
Wanted = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    labels: GitLabels

    async def over(self, rights: Rights, selector: str, read: Read[ItemT]) -> list[ItemT]:
        """What `read` finds over the devices in sight that the selector matches."""
        chosen, labels, sight = parse(selector), await self.labels(), await rights.sight("device.read")

        def within(connection: Connection) -> list[ItemT]:
            tenant = whose(connection)
            return read(connection, tenant, reading.by_id(matching(connection, tenant, chosen, labels, sight)))

        return await self.db.read(within)


def router(desk: Desk) -> APIRouter:
    """The routes; a {ref} takes slashes, so nothing follows it."""
    router = APIRouter(tags=["inventory"])
    _route_one(router, desk)
    _route_fleet(router, desk)
    return router


def _route_one(router: APIRouter, desk: Desk) -> None:
    """The routes about one device."""

    @router.get("/inventory/tables/{ref:path}")
    @needs("device.read", of="devices")
    async def inventory(ref: str, rights: Asking) -> DeviceInventory:
        """The tables that the device told of, with how many rows each has."""
        sight = await rights.sight("device.read")

        def read(connection: Connection) -> DeviceInventory:
            device = resolve(connection, whose(connection), ref, sight)
            return DeviceInventory(device=device, tables=reading.tables_of(connection, whose(connection), device))

        return await desk.db.read(read)

    @router.get("/inventory/rows/{ref:path}")
    @needs("device.read", of="devices")
    async def rows(
        ref: str, rights: Asking, table: Annotated[str, Query(max_length=64)],
        text: Wanted = "", limit: Limit = 1000, cursor: Cursor = None,
    ) -> Page[HeldRow]:
        """The rows of one table, by name; with `text` those that hold it."""
        sight = await rights.sight("device.read")
        if table not in KEPT_BY_NAME:
            raise NotFound(f"the inventory has no table {table[:64]}", hint=f"it has {', '.join(KEPT_BY_NAME)}")
        found = await desk.db.read(lambda connection: reading.rows_of(
            connection, whose(connection), resolve(connection, whose(connection), ref, sight), table, text))
        return _page(found, cursor, limit)

    @router.get("/inventory/changes/{ref:path}")
    @needs("device.read", of="devices")
    async def history(
        ref: str, rights: Asking,
        table: Annotated[str, Query(max_length=64)] = "",
        since: Annotated[int, Query(ge=0, le=LAST)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        cursor: Annotated[str | None, Query(max_length=1000)] = None,
    ) -> Page[ChangedRow]:
        """What came, went and changed on the device since a time (ms UTC), the newest first."""
        after, sight = _read_cursor(cursor) if cursor else None, await rights.sight("device.read")

        def read(connection: Connection) -> reading.Changes:
            device = resolve(connection, whose(connection), ref, sight)
            return reading.changes(
                connection, whose(connection), device, kind=table, since=since, after=after, most=limit)

        found = await desk.db.read(read)
        return Page(items=tuple(found.rows), total=found.total, next=_write_cursor(found.next) if found.next else None)


def _route_fleet(router: APIRouter, desk: Desk) -> None:
    """The routes about many devices; rows are counted over those in sight alone."""

    @router.get("/inventory/software")
    @needs("device.read", of="devices")
    async def software(
        rights: Asking, text: Wanted = "", selector: Selector = "", limit: Limit = 1000, cursor: Cursor = None,
    ) -> Page[SoftwareRow]:
        """Which software there is, in which versions, on how many of the devices that match."""
        return _page(await desk.over(rights, selector, partial(reading.software, wanted=text)), cursor, limit)

    @router.get("/inventory/holders")
    @needs("device.read", of="devices")
    async def holders(
        rights: Asking, name: Annotated[str, Query(min_length=1, max_length=200)],
        version: Wanted = "", selector: Selector = "", limit: Limit = 1000, cursor: Cursor = None,
    ) -> Page[SoftwareHolder]:
        """Which of the devices that match have the package of this name."""
        found = await desk.over(rights, selector, partial(reading.holders, name=name, version=version))
        return _page(found, cursor, limit)

    @router.get("/inventory/updates")
    @needs("device.read", of="devices")
    async def updates(
        rights: Asking, selector: Selector = "", limit: Limit = 1000, cursor: Cursor = None,
    ) -> Page[PendingUpdates]:
        """Which of the devices that match have updates to install, by their own package lists."""
        return _page(await desk.over(rights, selector, reading.pending), cursor, limit)

    @router.get("/find")
    @needs("device.read", of="devices")
    async def find(
        rights: Asking, text: Annotated[str, Query(min_length=2, max_length=200)],
        limit: Limit = 200, cursor: Cursor = None,
    ) -> Page[FoundDevice]:
        """The devices in which a text stands: name, address, MAC, serial, label, or somebody who is there."""
        return _page(await desk.over(rights, "", partial(reading.find, wanted=text)), cursor, limit)


def _page(rows: Sequence[ItemT], cursor: str | None, limit: int) -> Page[ItemT]:
    page, after = cut(rows, number_of(cursor), limit)
    return Page(items=page, total=len(rows), next=after)


def _write_cursor(place: reading.Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def _read_cursor(cursor: str) -> reading.Place:
    wrong = InputInvalid("the cursor is not one of ours", hint="ask again without a cursor")
    try:
        at, kind, key = orjson.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError, binascii.Error) as cause:
        raise wrong from cause
    if type(at) is not int or abs(at) > LAST:
        raise wrong
    return at, str(kind), str(key)
