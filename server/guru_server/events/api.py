"""The events' part of the API: the stream, from any place in it, held back while it is quiet. It decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from guru_policy.event_types import TYPES, patterns
from guru_policy.selector import parse
from guru_server.api.late import late_router
from guru_server.bus import Bus
from guru_server.cursors import LAST
from guru_server.events.numbering import number, unnumbered
from guru_server.events.reading import Eyes, JobsSeen, Wish, read
from guru_server.fleet.finding import GitLabels
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.store.database import Database
from guru_wire.events import Events

TOPIC = "events"
LONGEST = 25.0                          # seconds that an answer is held back
GLANCE = 0.5                            # seconds between looks while nobody rings


@dataclass(frozen=True, slots=True)
class Desk:
    """What the route works with."""

    db: Database
    bus: Bus
    tenant: str
    labels: GitLabels
    jobs: JobsSeen


def router(desk: Desk) -> APIRouter:
    """The guarded route."""
    router = late_router(tags=["events"])

    @router.get("/events", response_model=Events)
    @needs("device.read", of="devices")
    async def events(
        rights: Asking,
        after: Annotated[str | None, Query(max_length=20, description="A cursor, or `newest`")] = None,
        since: Annotated[int | None, Query(ge=0, le=LAST, description="Without a cursor: from here on, ms UTC")] = None,
        types: Annotated[str, Query(alias="type", max_length=1000, description="Such as `alert.*,device.online`")] = "",
        selector: Annotated[str, Query(max_length=2000, description="Only of devices that match now")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        wait: Annotated[float, Query(ge=0, le=LONGEST, description="Seconds to hold the answer back")] = 0.0,
    ) -> Response:
        """What happened, in its order: CloudEvents that the asker may see. `cursor` continues after them, at any time
        and at any server.
        """
        wish = Wish(after, since, patterns(types), parse(selector) if selector else None, limit)
        found = await _awaited(desk, wish, await _eyes(desk, rights), wait)
        return Response(found.model_dump_json(by_alias=True), media_type="application/json")

    return router


async def settled(db: Database, bus: Bus, tenant: str) -> None:
    """Give everything that happened its place."""
    while await db.read(partial(unnumbered, tenant=tenant)):
        if await db.write(partial(number, tenant=tenant)):
            await bus.publish(TOPIC)


async def _eyes(desk: Desk, rights: Rights) -> Eyes:
    sights = {verb: await rights.sight(verb) for verb in sorted({kind.verb for kind in TYPES.values()})}
    return Eyes(sights, desk.jobs, await desk.labels())


async def _awaited(desk: Desk, wish: Wish, eyes: Eyes, wait: float) -> Events:
    """The next events; an answer without any once the time is over, or when there is more to look through."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    with desk.bus.subscribe(TOPIC) as news:
        while True:
            await settled(desk.db, desk.bus, desk.tenant)
            found = await desk.db.read(partial(read, tenant=desk.tenant, wish=wish, eyes=eyes))
            left = until - loop.time()
            if found.items or found.more or found.forgotten or left <= 0:
                return found
            wish = wish._replace(after=found.cursor)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, GLANCE)):
                    await anext(news)
