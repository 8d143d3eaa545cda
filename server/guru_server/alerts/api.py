"""The alerts' part of the API: list, show, take up; windows by hand. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from guru_policy.selector import parse
from guru_server.alerts import maintenance
from guru_server.alerts.acknowledging import acknowledge, detail
from guru_server.alerts.store import alerts
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.fleet import finding
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
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
    router = APIRouter(tags=["alerts"])
    _route_windows(router, db, bus, clock, labels)

    @router.get("/alerts")
    async def listed(
        state: Literal["pending", "firing", "resolved", "all"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Page[AlertRow]:
        """Alerts, the newest first; without a state, those that have not ended."""
        now = clock()
        return await db.read(lambda connection: alerts(connection, state, limit, cursor, now))

    @router.get("/alerts/{ref}")
    async def show(ref: str) -> AlertDetail:
        """One alert with its timeline, and how far each note is."""
        now = clock()
        return await db.read(lambda connection: detail(connection, ref, now))

    @router.post("/alerts/{ref}/acknowledgement")
    async def take_up(ref: str, ask: AckRequest, person: Who) -> AlertDetail:
        """Take an alert up: steps of escalations that heed it tell nobody meanwhile."""
        now = clock()

        def work(connection: Connection) -> AlertDetail:
            found = acknowledge(connection, ref, ask, person.name, now)
            record(connection, now, f"person:{person.name}", "AlertAcknowledged", f"alert:{found.id}", found.ack_note)
            return found

        found = await db.write(work)
        await bus.publish("alerts", {found.id})
        return found

    return router


def _route_windows(router: APIRouter, db: Database, bus: Bus, clock: Clock, labels: finding.GitLabels) -> None:
    @router.get("/maintenance")
    async def windows(
        closed: bool = False, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[MaintenanceRow]:
        """The windows that people opened by hand, the newest first; without `closed` those that are open."""
        now = clock()
        rows, total = await db.read(lambda connection: maintenance.listed(connection, now, limit, closed=closed))
        return Page[MaintenanceRow](items=tuple(rows), total=total)

    @router.post("/maintenance", status_code=201)
    async def start(ask: MaintenanceRequest, person: Who) -> MaintenanceStarted:
        """Have nobody told of the alerts of these devices for a while."""
        now, known, wanted = clock(), await labels(), parse(ask.selector)

        def work(connection: Connection) -> MaintenanceStarted:
            row = maintenance.start(connection, ask, person.name, now)
            said = f"{ask.seconds} s: {ask.reason}"
            record(connection, now, f"person:{person.name}", "MaintenanceStarted", f"selector:{ask.selector}", said)
            return MaintenanceStarted(row=row, devices=len(finding.matching(connection, TENANT, wanted, known)))

        started = await db.write(work)
        await bus.publish("alerts", {started.row.id})
        return started

    @router.delete("/maintenance/{name}")
    async def end(name: str, person: Who) -> MaintenanceRow:
        """Close a window sooner: who is to be told of what still fires is told."""
        now = clock()

        def work(connection: Connection) -> MaintenanceRow:
            row = maintenance.end(connection, name, person.name, now)
            record(connection, now, f"person:{person.name}", "MaintenanceEnded", f"maintenance:{row.id}")
            return row

        row = await db.write(work)
        await bus.publish("alerts", {row.id})
        return row
