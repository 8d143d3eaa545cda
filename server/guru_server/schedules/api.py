"""The schedules' part of the API: which are in force, how their runs went, and the end of one. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_policy.selector import parse
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.fleet.finding import GitLabels, matching
from guru_server.jobs.templates import LoadFleets
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.schedules import reading
from guru_server.schedules.cancelling import Canceller
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.operator import Page
from guru_wire.schedules import ScheduledRun, ScheduledRunEnding, ScheduleRow


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    labels: GitLabels
    load: LoadFleets
    canceller: Canceller


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["schedules"])

    @router.get("/schedules")
    @needs("device.read", of="devices")
    async def schedules(
        rights: Asking, paging: Paged, limit: Rows = EVERY
    ) -> Page[ScheduleRow]:
        """The Schedules in force: the organisation's, and those of customers that the sender knows."""
        sight = await rights.sight("device.read")
        found = [
            row for item, revision in await reading.in_force(desk.db, desk.load)
            if (not (owner := reading.owner_of(item)) or sight.touches(owner))
            and (row := reading.row(item, revision)) is not None
        ]
        page, after = paging.cut(found, limit, lambda row: (row.name, row.scope))
        return Page[ScheduleRow](items=page, total=len(found), next=after)

    @router.get("/schedules/runs")
    @needs("device.read", of="devices")
    async def runs(
        rights: Asking,
        paging: Paged,
        selector: Annotated[str, Query(max_length=2000)] = "",
        schedule: Annotated[str, Query(max_length=128)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        full: bool = False,
    ) -> Page[ScheduledRun]:
        """The newest runs on the devices that match, as these told them; with `full` all that is kept of output."""
        last = paging.after(int, str, str)
        chosen, labels, sight = parse(selector), await desk.labels(), await rights.sight("device.read")

        def within(connection: Connection) -> reading.Ran:
            devices = {one.id: one for one in matching(connection, whose(connection), chosen, labels, sight)}
            return reading.runs(connection, devices, schedule=schedule, last=last, most=limit, full=full)

        found = await desk.db.read(within)
        return Page[ScheduledRun](
            items=tuple(found.rows), total=found.total, next=paging.cursor(found.next) if found.next else None)

    @router.post("/schedules/runs/{ref}/cancel")
    @needs("command.run", of="devices")
    async def cancel(ref: str, rights: Asking) -> ScheduledRunEnding:
        """End a run that is under way, also when its device is away: it is told when it comes back."""
        return await desk.canceller.cancel(ref, rights)

    return router
