"""What people ask of reconcile under /api/v1: status, revisions, sync, plans, explain; it is thin."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Query

from guru_policy.access.deciding import EVERYTHING
from guru_policy.errors import GuruError
from guru_server.api.late import late_router
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import LAST, Paged
from guru_server.gateway.plain import plain
from guru_server.gitops.watch import Watch
from guru_server.reconcile.drifting import drift
from guru_server.reconcile.explain import explained
from guru_server.reconcile.narrowing import revision_for
from guru_server.reconcile.plan import Planner
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.status import Watched, progress, status
from guru_server.reconcile.store import revision_count, revision_row, revisions_after
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.rights.weighing import costly
from guru_server.store.database import Database
from guru_wire.drift import Drift
from guru_wire.operator import (
    Explanation,
    Page,
    Plan,
    PlanRequest,
    RevisionRow,
    Status,
    SyncProgress,
    SyncRequested,
)

SYNC_SECONDS = 60.0                     # a sync through another server is waited for this long


class Desk:
    """What the routes need; everything of one server."""

    def __init__(self, db: Database, bus: Bus, reconciler: Reconciler, watch: Watch, *, now: Clock) -> None:
        self.db, self.bus, self.reconciler, self.watch, self.now = db, bus, reconciler, watch, now
        self.planner = Planner(db, reconciler, now)
        self.tenant = reconciler.tenant

    def watched(self) -> Watched:
        """The remote without anything secret: no URL with a password is ever taken."""
        source = self.reconciler.mirror.source
        return Watched(source.url, source.branch, self.watch.last_fetch_at, self.watch.waiting)

    async def sync(self) -> SyncRequested:
        """Fetch now, by this server or by the one that holds the lease."""
        if self.watch.holding:
            return await self.watch.sync()
        await self.bus.publish("git")
        try:
            tip = await self.reconciler.mirror.fetch()
        except GuruError as error:
            return SyncRequested(revision=None, outcome="unreachable", reason=plain(error.message, 500))
        deadline = time.monotonic() + SYNC_SECONDS
        while time.monotonic() < deadline:
            row = await self.db.read(lambda connection: revision_row(connection, self.tenant, tip.revision))
            if row is not None and row.finished_at is not None:
                return SyncRequested(
                    revision=row.revision,
                    outcome=row.outcome,
                    reason=row.reason,
                    devices_changed=row.devices_changed,
                    faults=row.faults,
                )
            await asyncio.sleep(0.25)
        return SyncRequested(revision=tip.revision, outcome="compiling", reason="another server is at it")


def operators(desk: Desk) -> APIRouter:
    """The router, without authentication: the app puts it in front."""
    router = late_router(tags=["reconcile"])
    db, tenant = desk.db, desk.tenant
    _route_plans(router, desk)

    @router.get("/status")
    @needs("device.read", of="devices")
    async def get_status(rights: Asking) -> Status:
        """What is in force, for whom, and what stands in the way."""
        sight = await rights.sight("device.read")
        return await db.read(lambda connection: status(connection, tenant, desk.watched(), desk.now(), sight))

    @router.get("/revisions")
    @needs("device.read", of="devices")
    async def get_revisions(
        rights: Asking, paging: Paged, limit: Annotated[int, Query(ge=1, le=1000)] = 50
    ) -> Page[RevisionRow]:
        """The commits that were seen, the newest first."""
        last, sight = paging.after(int), await rights.sight("device.read")
        rows = await db.read(lambda connection: revisions_after(connection, tenant, limit + 1, last))
        total = await db.read(lambda connection: revision_count(connection, tenant))
        told = tuple(revision_for(sight, one.row) for one in rows[:limit])
        return Page(items=told, total=total, next=paging.cursor((rows[limit - 1].seq,)) if len(rows) > limit else None)

    @router.post("/sync")
    @needs("policy.apply", of="organisation")
    async def post_sync() -> SyncRequested:
        """Fetch now; how the tip of the branch went."""
        return await desk.sync()

    @router.get("/revisions/{revision}/progress")
    @needs("device.read", of="devices")
    async def get_progress(revision: str, rights: Asking) -> SyncProgress:
        """How far the devices of a revision are."""
        sight = await rights.sight("device.read")
        return await db.read(lambda connection: progress(connection, tenant, revision, desk.now(), sight))

    @router.get("/drift")
    @needs("device.read", of="devices")
    async def get_drift(rights: Asking, since: Annotated[int, Query(ge=0, le=LAST)] = 0) -> Drift:
        """What differed without anybody having wanted it."""
        sight = await rights.sight("device.read")
        return await db.read(lambda connection: drift(connection, tenant, since, desk.now(), sight))

    @router.get("/devices/{ref:path}/explain")
    @needs("device.read", of="devices")
    async def get_explain(ref: str, path: str, rights: Asking) -> Explanation:
        """Where a value of a device comes from."""
        return await explained(db, desk.reconciler, ref, path, await rights.sight("device.read"))

    return router


def _route_plans(router: APIRouter, desk: Desk) -> None:
    """The one route that takes a whole tree."""

    @router.post("/plans")
    @needs("policy.plan", of="devices")
    @costly
    async def post_plan(request: PlanRequest, rights: Asking) -> Plan:
        """What a tree would change; nothing is written. It tells of what the asker may both plan and read."""
        planning, reading = await rights.sight("policy.plan"), await rights.sight("device.read")
        if request.exact and not (planning.whole and reading.whole):
            raise rights.refused("policy.plan", "org", rights.decide("policy.plan", [EVERYTHING]))
        return await desk.planner.plan(request, (planning, reading))
