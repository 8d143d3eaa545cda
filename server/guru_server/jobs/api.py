"""The jobs' part of the API: make, list, show, watch, cancel, run again; and the scripts. It decides nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_server.fleet.reading import resolve
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.jobs import asking, deciding, store, templates
from guru_server.jobs.asking import Desk
from guru_server.jobs.recording import NEWS
from guru_server.store.schema import TENANT
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

Who = Annotated[Person, Depends(signed_in)]
LONGEST = 25.0                          # seconds that an answer about progress is held back
CROWD, GATHER = 50, 0.1                 # for more devices than these, news is gathered so many seconds


class _Look(NamedTuple):
    """What a look at a job's progress found."""

    progress: JobProgress
    news: bool


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = APIRouter(tags=["jobs"])
    _route_reading(router, desk)
    _route_scripts(router, desk)

    @router.post("/jobs", status_code=201)
    async def make(ask: JobRequest, person: Who) -> JobMade:
        """A new job. Devices that are away get it when they come back, until it expires."""
        return await asking.order(desk, ask, f"person:{person.name}")

    @router.post("/jobs/{ref}/cancel")
    async def cancel(ref: str, person: Who) -> JobCancelled:
        """End what runs of it, and let nothing of it begin any more."""
        return await asking.cancel(desk, ref, f"person:{person.name}")

    @router.post("/jobs/{ref}/rerun", status_code=201)
    async def rerun(ref: str, ask: Rerun, person: Who) -> JobMade:
        """The same command as a new job, on the devices where it did not succeed."""
        return await asking.rerun(desk, ref, ask, f"person:{person.name}")

    return router


def _route_reading(router: APIRouter, desk: Desk) -> None:
    @router.get("/jobs")
    async def listed(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Page[JobRow]:
        """The newest jobs."""
        return await desk.db.read(lambda connection: _page(connection, limit))

    @router.get("/jobs/{ref}", response_model=JobDetail)
    async def show(ref: str) -> Response:
        """A job with every run."""
        now = desk.clock()
        detail = await desk.db.read(lambda connection: _detail(connection, ref, now))
        return _json(detail.model_dump_json(by_alias=True))

    @router.get("/jobs/{ref}/progress", response_model=JobProgress)
    async def progress(
        ref: str,
        after: Annotated[int, Query(ge=0)] = 0,
        wait: Annotated[float, Query(ge=0, le=LONGEST)] = 0.0,
        output: bool = True,
    ) -> Response:
        """What changed after a number; held back up to `wait` seconds while nothing does."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        with desk.bus.subscribe(NEWS) as news:
            while True:
                found = await desk.db.read(
                    partial(_progress, ref=ref, after=after, output=output, now=desk.clock())
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
    async def printed(ref: str, device: str) -> Response:
        """All that is kept of what one device printed."""
        now = desk.clock()
        found = await desk.db.read(lambda connection: _printed(connection, ref, device, now))
        return _json(found.model_dump_json(by_alias=True))


def _route_scripts(router: APIRouter, desk: Desk) -> None:
    @router.get("/scripts")
    async def scripts() -> Page[ScriptRow]:
        """The CommandTemplates in force."""
        found = await desk.templates.every()
        return Page[ScriptRow](items=tuple(templates.row(one) for one in found), total=len(found))

    @router.get("/scripts/{name}")
    async def script(name: str, customer: Annotated[str, Query(max_length=63)] = "") -> ScriptDetail:
        """One of them with its text, the organisation's unless a customer is named."""
        scope = f"customers/{customer}" if customer else "org"
        every = [one for one in await desk.templates.every() if one.item.name == name]
        here = [one for one in every if str(one.item.key.scope) == scope] or every
        if not here:
            raise NotFound(f"no command template {name[:64]} is in force", hint="`guru script list` shows them")
        return templates.detail(here[0])


def _page(connection: Connection, limit: int) -> Page[JobRow]:
    rows = store.newest(connection, limit)
    counts = store.counts(connection, [row.id for row in rows])
    items = tuple(store.job_row(row, counts[row.id]) for row in rows)
    return Page[JobRow](items=items, total=store.total(connection))


def _detail(connection: Connection, ref: str, now: int) -> JobDetail:
    row = store.find(connection, ref)
    shown = store.job_row(row, store.counts(connection, [row.id])[row.id])
    return JobDetail(**shown.model_dump(), runs=tuple(store.runs(connection, row.id, now)))


def _progress(connection: Connection, *, ref: str, after: int, output: bool, now: int) -> _Look:
    row = store.find(connection, ref)
    found = store.changes(connection, row, after, now, output)
    whole = found.next >= row.changes
    runs = store.standings(connection, row.id, now) if whole else []
    done = whole and deciding.done(runs, store.wave_of(row), now)
    shown = store.job_row(row, store.counts(connection, [row.id])[row.id])
    progress = JobProgress(
        job=shown, runs=tuple(found.runs), output=tuple(found.output), next=found.next, done=done
    )
    return _Look(progress, bool(found.runs or found.output))


def _printed(connection: Connection, ref: str, device: str, now: int) -> RunOutput:
    row = store.find(connection, ref)
    run = store.run_of(connection, row.id, resolve(connection, TENANT, device), now)
    out, err = (store.printed(connection, row.id, run.device, stream) for stream in ("out", "err"))
    return RunOutput(
        job=row.id, run=run, stdout=out.decode(errors="replace"), stderr=err.decode(errors="replace"),
        truncated=len(out) + len(err) < run.out + run.err,
    )


def _json(body: str) -> Response:
    return Response(body, media_type="application/json")
