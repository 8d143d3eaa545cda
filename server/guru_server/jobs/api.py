"""The jobs' part of the API: make, list, show, watch, cancel, run again; and the scripts. It decides nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection, Row

from guru_policy.errors import NotFound, Refused
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, LAST, Paged, Paging, Rows
from guru_server.fleet.reading import resolve
from guru_server.jobs import asking, deciding, seeing, store, templates
from guru_server.jobs.asking import Desk
from guru_server.jobs.recording import NEWS
from guru_server.jobs.seeing import FILES
from guru_server.rights.asking import Asking, Sight
from guru_server.rights.declaring import needs
from guru_server.rights.weighing import costly
from guru_server.store.binding import whose
from guru_wire.jobs import (
    JobCancelled,
    JobDetail,
    JobMade,
    JobProgress,
    JobRequest,
    JobRow,
    Rerun,
    RunOutput,
    ScriptDetail,
    ScriptRow,
)
from guru_wire.operator import Page

LONGEST = 25.0                          # seconds that an answer about progress is held back
CROWD, GATHER = 50, 0.1                 # for more devices than these, news is gathered so many seconds


class _Look(NamedTuple):
    """What a look at a job's progress found."""

    progress: JobProgress
    news: bool


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["jobs"])
    _route_reading(router, desk)
    _route_scripts(router, desk)

    @router.post("/jobs", status_code=201)
    @needs("command.run", "query.run", "file.get", of="devices")
    @costly
    async def make(ask: JobRequest, rights: Asking) -> JobMade:
        """A new job, for `command.run`, `query.run` or `file.get`. Devices that are away get it when they come back,
        until it expires.
        """
        return await asking.order(desk, ask, rights)

    @router.post("/jobs/{ref}/cancel")
    @needs("command.run", "query.run", "file.get", of="devices")
    async def cancel(ref: str, rights: Asking) -> JobCancelled:
        """End what runs of it, and let nothing of it begin any more; it takes what making it took."""
        return await asking.cancel(desk, ref, rights)

    @router.post("/jobs/{ref}/rerun", status_code=201)
    @needs("command.run", "query.run", of="devices")
    @costly
    async def rerun(ref: str, ask: Rerun, rights: Asking) -> JobMade:
        """The same command as a new job, on the devices where it did not succeed; it takes what making it took."""
        return await asking.rerun(desk, ref, ask, rights)

    return router


def _route_reading(router: APIRouter, desk: Desk) -> None:
    @router.get("/jobs")
    @needs("device.read", of="devices")
    async def listed(
        rights: Asking, paging: Paged, limit: Annotated[int, Query(ge=1, le=1000)] = 50
    ) -> Page[JobRow]:
        """The jobs, the newest first."""
        sight = await rights.sight("device.read")
        return await desk.db.read(lambda connection: _page(connection, limit, paging, sight))

    @router.get("/jobs/{ref}", response_model=JobDetail)
    @needs("device.read", of="devices")
    async def show(ref: str, rights: Asking) -> Response:
        """A job with every run."""
        now, sight = desk.clock(), await rights.sight("device.read")
        detail = await desk.db.read(lambda connection: _detail(connection, ref, now, sight))
        return _json(detail.model_dump_json(by_alias=True))

    @router.get("/jobs/{ref}/progress", response_model=JobProgress)
    @needs("device.read", of="devices")
    async def progress(
        ref: str,
        rights: Asking,
        after: Annotated[int, Query(ge=0, le=LAST)] = 0,
        wait: Annotated[float, Query(ge=0, le=LONGEST)] = 0.0,
        output: bool = True,
    ) -> Response:
        """What changed after a number; held back up to `wait` seconds while nothing does."""
        loop, sight = asyncio.get_running_loop(), await rights.sight("device.read")
        until = loop.time() + wait
        with desk.bus.subscribe(NEWS) as news:
            while True:
                found = await desk.db.read(
                    partial(_progress, ref=ref, after=after, output=output, now=desk.clock(), sight=sight,
                            actor=rights.actor)
                )
                left = until - loop.time()
                if found.news and not found.progress.done and found.progress.job.total > CROWD and left > GATHER:
                    until = loop.time()     # one more look, once more of them have answered
                    await asyncio.sleep(GATHER)
                    continue
                if found.news or found.progress.done or left <= 0:
                    return _json(found.progress.model_dump_json(by_alias=True))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, 1.0)):
                        await anext(news)

    @router.get("/jobs/{ref}/output/{device:path}", response_model=RunOutput)
    @needs("device.read", of="devices")
    async def printed(ref: str, device: str, rights: Asking) -> Response:
        """All that is kept of what one device printed."""
        now, sight = desk.clock(), await rights.sight("device.read")
        found = await desk.db.read(lambda connection: _printed(connection, ref, device, now, sight, rights.actor))
        return _json(found.model_dump_json(by_alias=True))


def _route_scripts(router: APIRouter, desk: Desk) -> None:
    @router.get("/scripts")
    @needs("device.read", of="devices")
    async def scripts(rights: Asking, paging: Paged, limit: Rows = EVERY) -> Page[ScriptRow]:
        """The CommandTemplates in force: the organisation's, and those of customers that the sender knows."""
        sight = await rights.sight("device.read")
        found = [templates.row(one) for one in await desk.templates.every() if _of_known(one, sight)]
        page, after = paging.cut(found, limit, lambda row: (row.name, row.scope))
        return Page[ScriptRow](items=page, total=len(found), next=after)

    @router.get("/scripts/{name}")
    @needs("device.read", of="devices")
    async def script(
        name: str, rights: Asking, customer: Annotated[str, Query(max_length=63)] = ""
    ) -> ScriptDetail:
        """One of them with its text, the organisation's unless a customer is named."""
        scope = f"customers/{customer}" if customer else "org"
        sight = await rights.sight("device.read")
        every = [one for one in await desk.templates.every() if one.item.name == name and _of_known(one, sight)]
        here = [one for one in every if str(one.item.key.scope) == scope] or every
        if not here:
            raise NotFound(f"no command template {name[:64]} is in force", hint="`guru script list` shows them")
        return templates.detail(here[0])


def _of_known(found: templates.Found, sight: Sight) -> bool:
    scope = found.item.key.scope
    return scope.level == "org" or sight.touches(scope.customer)


def _page(connection: Connection, limit: int, paging: Paging, sight: Sight) -> Page[JobRow]:
    last = paging.after(int, str)
    if not sight.whole:
        seen = seeing.of_all(connection, sight)
        mine = store.newest_of(connection, seen.keys(), limit + 1, last)
        items = tuple(seen[row.id].row(store.job_row(row, {})) for row in mine[:limit])
        return Page[JobRow](items=items, total=len(seen), next=_following(mine, limit, paging))
    found = store.newest(connection, limit + 1, last)
    rows = found[:limit]
    counts = store.counts(connection, [row.id for row in rows])
    items = tuple(store.job_row(row, counts[row.id]) for row in rows)
    return Page[JobRow](items=items, total=store.total(connection), next=_following(found, limit, paging))


def _following(rows: list[Row[Any]], limit: int, paging: Paging) -> str | None:
    """The next cursor, of up to one row more than the page has."""
    return paging.cursor((rows[limit - 1].created_at, rows[limit - 1].id)) if len(rows) > limit else None


def _detail(connection: Connection, ref: str, now: int, sight: Sight) -> JobDetail:
    row = store.find(connection, ref, sight)
    seen = seeing.of_job(connection, row.id, sight)
    shown = seen.row(store.job_row(row, seen.counts))
    runs = [one for one in store.runs(connection, row.id, now) if one.device in seen.devices]
    return JobDetail(**shown.model_dump(), runs=tuple(runs))


def _progress(
    connection: Connection, *, ref: str, after: int, output: bool, now: int, sight: Sight, actor: str
) -> _Look:
    row = store.find(connection, ref, sight)
    found = store.changes(connection, row, after, now, output and _may_read(row, actor))
    whole = found.next >= row.changes
    runs = store.standings(connection, row.id, now) if whole else []
    done = whole and deciding.done(runs, store.wave_of(row), now)
    shown = store.job_row(row, store.counts(connection, [row.id])[row.id])
    changed, pieces = found.runs, found.output
    if not sight.whole:
        seen = seeing.of_job(connection, row.id, sight)
        shown = seen.row(shown)
        changed = [one for one in changed if one.device in seen.devices]
        pieces = [one for one in pieces if one.device in seen.devices]
    progress = JobProgress(job=shown, runs=tuple(changed), output=tuple(pieces), next=found.next, done=done)
    return _Look(progress, bool(changed or pieces))


def _may_read(row: Row[Any], actor: str) -> bool:
    """What is in a file is for whoever asked for it, and for nobody else who may see the device."""
    return bool(row.command_class != FILES or row.actor == actor)


def _printed(connection: Connection, ref: str, device: str, now: int, sight: Sight, actor: str) -> RunOutput:
    row = store.find(connection, ref, sight)
    if not _may_read(row, actor):
        raise Refused("what is in a file is told only to whoever asked for it", hint="ask for it yourself: `guru cat`")
    run = store.run_of(connection, row.id, resolve(connection, whose(connection), device, sight), now)
    out, err = (store.printed(connection, row.id, run.device, stream) for stream in ("out", "err"))
    return RunOutput(
        job=row.id, run=run, stdout=out.decode(errors="replace"), stderr=err.decode(errors="replace"),
        truncated=len(out) + len(err) < run.out + run.err,
    )


def _json(body: str) -> Response:
    return Response(body, media_type="application/json")
