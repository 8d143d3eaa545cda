"""Telemetry's part of the API: one metric of one device over time. It reads only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid
from guru_server.api.late import late_router
from guru_server.clock import Clock
from guru_server.cursors import LAST
from guru_server.fleet.reading import resolve
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.telemetry.packing import DAY, HOUR
from guru_server.telemetry.reading import line
from guru_wire.operator import Series

MOST_POINTS = 10_000
LONGEST = 400 * DAY


def router(db: Database, clock: Clock) -> APIRouter:
    """The routes. Include them before the fleet's, whose {ref} takes everything under /devices."""
    router = late_router(tags=["telemetry"])

    @router.get("/devices/{ref:path}/samples")
    @needs("device.read", of="devices")
    async def samples(
        ref: str,
        rights: Asking,
        metric: Annotated[str, Query(min_length=1, max_length=128)],
        since: Annotated[int | None, Query(ge=0, le=LAST)] = None,
        until: Annotated[int | None, Query(ge=0, le=LAST)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 1440,
    ) -> Series:
        """The metric from `since` (default: an hour ago) to before `until` (default: now), in ms UTC."""
        end = until if until is not None else clock() + 1
        begin = since if since is not None else max(0, end - HOUR)
        if not begin < end <= begin + LONGEST:
            raise InputInvalid("since is before until, by 400 days at most", hint="times are ms UTC")

        sight = await rights.sight("device.read")

        def read(connection: Connection) -> Series:
            device = resolve(connection, whose(connection), ref, sight)
            found = line(connection, whose(connection), device, metric, since=begin, until=end, most=limit)
            return Series(
                device=device, metric=metric, unit=found.unit, since=begin, until=end, points=found.points
            )

        return await db.read(read)

    return router
