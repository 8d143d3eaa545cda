"""The inventory's part of the API: what a device has, what changed, who has what, and finding devices by anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_policy.inventory import Device
from guru_policy.query.kept import KEPT_BY_NAME
from guru_policy.selector import parse
from guru_server.api.late import late_router
from guru_server.cursors import LAST, Key, Paged, Paging, Rows
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

Selector = Annotated[str, Query(max_length=2000)]
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
    router = late_router(tags=["inventory"])
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
        ref: str, rights: Asking, paging: Paged, table: Annotated[str, Query(max_length=64)],
        text: Wanted = "", limit: Rows = 1000,
    ) -> Page[HeldRow]:
        """The rows of one table, by name; with `text` those that hold it."""
        sight = await rights.sight("device.read")
        if table not in KEPT_BY_NAME:
            raise NotFound(f"the inventory has no table {table[:64]}", hint=f"it has {', '.join(KEPT_BY_NAME)}")
        found = await desk.db.read(lambda connection: reading.rows_of(
            connection, whose(connection), resolve(connection, whose(connection), ref, sight), table, text))
        return _page(found, paging, limit, partial(_of_row, table))

    @router.get("/inventory/changes/{ref:path}")
    @needs("device.read", of="devices")
    async def history(
        ref: str, rights: Asking, paging: Paged,
        table: Annotated[str, Query(max_length=64)] = "",
        since: Annotated[int, Query(ge=0, le=LAST)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[ChangedRow]:
        """What came, went and changed on the device since a time (ms UTC), the newest first."""
        after, sight = paging.after(int, str, str), await rights.sight("device.read")

        def read(connection: Connection) -> reading.Changes:
            device = resolve(connection, whose(connection), ref, sight)
            return reading.changes(
                connection, whose(connection), device, kind=table, since=since, after=after, most=limit)

        found = await desk.db.read(read)
        return Page(items=tuple(found.rows), total=found.total, next=paging.cursor(found.next) if found.next else None)


def _route_fleet(router: APIRouter, desk: Desk) -> None:
    """The routes about many devices; rows are counted over those in sight alone."""

    @router.get("/inventory/software")
    @needs("device.read", of="devices")
    async def software(
        rights: Asking, paging: Paged, text: Wanted = "", selector: Selector = "", limit: Rows = 1000,
    ) -> Page[SoftwareRow]:
        """Which software there is, in which versions, on how many of the devices that match."""
        found = await desk.over(rights, selector, partial(reading.software, wanted=text))
        return _page(found, paging, limit, lambda one: (one.name, one.version, one.manager))

    @router.get("/inventory/holders")
    @needs("device.read", of="devices")
    async def holders(
        rights: Asking, paging: Paged, name: Annotated[str, Query(min_length=1, max_length=200)],
        version: Wanted = "", selector: Selector = "", limit: Rows = 1000,
    ) -> Page[SoftwareHolder]:
        """Which of the devices that match have the package of this name."""
        found = await desk.over(rights, selector, partial(reading.holders, name=name, version=version))
        return _page(found, paging, limit, _of_holder)

    @router.get("/inventory/updates")
    @needs("device.read", of="devices")
    async def updates(
        rights: Asking, paging: Paged, selector: Selector = "", limit: Rows = 1000,
    ) -> Page[PendingUpdates]:
        """Which of the devices that match have updates to install, by their own package lists."""
        return _page(await desk.over(rights, selector, reading.pending), paging, limit, _of_updates)

    @router.get("/find")
    @needs("device.read", of="devices")
    async def find(
        rights: Asking, paging: Paged, text: Annotated[str, Query(min_length=2, max_length=200)],
        limit: Rows = 200,
    ) -> Page[FoundDevice]:
        """The devices in which a text stands: name, address, MAC, serial, label, or somebody who is there."""
        return _page(await desk.over(rights, "", partial(reading.find, wanted=text)), paging, limit, _of_hit)


def _page(rows: Sequence[ItemT], paging: Paging, limit: int, key: Callable[[ItemT], Key]) -> Page[ItemT]:
    page, after = paging.cut(rows, limit, key)
    return Page(items=page, total=len(rows), next=after)


def _of_row(table: str, one: HeldRow) -> Key:
    whole = orjson.dumps(one.row, option=orjson.OPT_SORT_KEYS)
    return reading.named(table, one.row), hashlib.sha256(whole).hexdigest()


def _of_holder(one: SoftwareHolder) -> Key:
    return one.customer, one.site, one.name, one.id, one.version, one.arch, one.package, one.manager


def _of_updates(one: PendingUpdates) -> Key:
    return -one.security, -one.updates, one.customer, one.site, one.name, one.id


def _of_hit(one: FoundDevice) -> Key:
    return one.customer, one.site, one.name, one.id, one.field, one.value
