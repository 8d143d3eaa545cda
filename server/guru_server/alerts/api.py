"""The alerts' part of the API: list, show, take up; windows by hand. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_policy.selector import parse
from guru_server.alerts import maintenance
from guru_server.alerts.acknowledging import Eyes, acknowledge, detail
from guru_server.alerts.store import alerts
from guru_server.api.late import late_router
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import Paged
from guru_server.fleet import finding
from guru_server.fleet.inventory import Inventory
from guru_server.gateway.plain import plain
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.rights.asking import Asking, Sight, ruled
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.alerting import (
    AckRequest,
    AlertDetail,
    AlertRow,
    MaintenanceRequest,
    MaintenanceRow,
    MaintenanceStarted,
)
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]


def router(db: Database, bus: Bus, clock: Clock, labels: finding.GitLabels) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["alerts"])
    _route_windows(router, db, clock)
    _route_opening(router, db, bus, clock, labels)

    @router.get("/alerts")
    @needs("alert.read", of="devices")
    async def listed(
        rights: Asking,
        paging: Paged,
        state: Literal["pending", "firing", "resolved", "all"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[AlertRow]:
        """Alerts, the newest first; without a state, those that have not ended."""
        now, sight = clock(), await rights.sight("alert.read")
        return await db.read(lambda connection: alerts(connection, state, limit, paging, now, sight))

    @router.get("/alerts/{ref}")
    @needs("alert.read", of="devices")
    async def show(ref: str, rights: Asking) -> AlertDetail:
        """One alert with its timeline, and how far each note is."""
        now, sight = clock(), await rights.sight("alert.read")
        return await db.read(lambda connection: detail(connection, ref, now, sight))

    @router.post("/alerts/{ref}/acknowledgement")
    @needs("alert.act", of="devices")
    async def take_up(ref: str, ask: AckRequest, rights: Asking, person: Who) -> AlertDetail:
        """Take an alert up: steps of escalations that heed it tell nobody meanwhile."""
        now = clock()
        eyes = Eyes(await rights.sight("alert.read"), await rights.sight("alert.act"))

        def work(connection: Connection) -> AlertDetail:
            found, decision = acknowledge(connection, ref, ask, person.spoken, now, eyes)
            record(connection, now, person.actor, "AlertAcknowledged", f"alert:{found.id}", found.ack_note,
                   device=found.device, customer=found.customer, **ruled(decision))
            return found

        found = await db.write(work)
        await bus.publish("alerts", {found.id})
        return found

    return router


def _route_windows(router: APIRouter, db: Database, clock: Clock) -> None:
    @router.get("/maintenance")
    @needs("alert.read", of="devices")
    async def windows(
        rights: Asking, paging: Paged, closed: bool = False, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[MaintenanceRow]:
        """The windows that people opened by hand, the newest first; without `closed` those that are open."""
        now, sight = clock(), await rights.sight("alert.read")
        rows = await db.read(lambda connection: maintenance.listed(
            connection, now, closed=closed, sees=_sees(connection, sight)
        ))
        page, after = paging.cut(rows, limit, lambda row: (-row.started_at, row.id))
        return Page[MaintenanceRow](items=page, total=len(rows), next=after)


def _route_opening(router: APIRouter, db: Database, bus: Bus, clock: Clock, labels: finding.GitLabels) -> None:
    @router.post("/maintenance", status_code=201)
    @needs("alert.act", of="devices")
    async def start(ask: MaintenanceRequest, rights: Asking, person: Who) -> MaintenanceStarted:
        """Have nobody told of the alerts of these devices for a while.

        Of somebody who may not act on the whole organisation the window is for the devices that match now.
        """
        now, known, wanted = clock(), await labels(), parse(ask.selector)
        reading, acting = await rights.sight("alert.read"), await rights.sight("alert.act")

        def work(connection: Connection) -> MaintenanceStarted:
            devices = finding.matching(connection, whose(connection), wanted, known, reading)
            about = f"selector:{ask.selector}"
            if not devices and not reading.whole:
                hint = "`guru device list -l ...` tries a selector out"
                raise NotFound(f"no device matches {plain(ask.selector)}", hint=hint)
            only = None if acting.whole and reading.whole else [one.id for one in devices]
            if only is not None:
                acting.require(None, devices, about)
            row = maintenance.start(connection, ask, person.spoken, now, only)
            decision = rights.require_scope(connection, "alert.act") if only is None else acting.require(
                connection, devices, about)
            said = f"{ask.seconds} s: {ask.reason}"
            record(connection, now, person.actor, "MaintenanceStarted", about, said, **ruled(decision))
            return MaintenanceStarted(row=row, devices=len(devices))

        started = await db.write(work)
        await bus.publish("alerts", {started.row.id})
        return started

    @router.delete("/maintenance/{name}")
    @needs("alert.act", of="devices")
    async def end(name: str, rights: Asking, person: Who) -> MaintenanceRow:
        """Close a window sooner: who is to be told of what still fires is told."""
        now = clock()
        reading, acting = await rights.sight("alert.read"), await rights.sight("alert.act")

        def work(connection: Connection) -> MaintenanceRow:
            found = maintenance.one(connection, name, now, _sees(connection, reading))
            here = [one for one in Inventory(whose(connection)).read(connection) if one.id in (found.only or ())]
            about = f"maintenance:{found.row.id}"
            if here:
                acting.require(None, here, about)
            else:
                rights.require_scope(None, "alert.act")
            row = maintenance.end(connection, found.row, person.spoken, now)
            decision = acting.require(connection, here, about) if here else rights.require_scope(
                connection, "alert.act")
            record(connection, now, person.actor, "MaintenanceEnded", about, **ruled(decision))
            return row

        row = await db.write(work)
        await bus.publish("alerts", {row.id})
        return row


def _sees(connection: Connection, sight: Sight) -> maintenance.Sees:
    """Whether a window is in sight: one for the whole organisation only of all of it, another with all its devices."""
    if sight.whole:
        return lambda only: True
    devices = Inventory(whose(connection)).read(connection)
    seen = {one.id for one in devices if sight.sees(one)}
    others = {one.id for one in devices} - seen
    return lambda only: bool(only) and not seen.isdisjoint(only or ()) and others.isdisjoint(only or ())
