"""The schedules in force, and the newest of the runs that devices told. It changes nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from guru_policy.inventory import Device
from guru_policy.kinds.schedule import Schedule
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG, Scope
from guru_server.cursors import Key
from guru_server.jobs.templates import LoadFleets, pairs
from guru_server.schedules.tables import schedule_run
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.schedules import ScheduledRun, ScheduleRow

SHORT = 500                             # bytes of each stream that a list shows


async def in_force(db: Database, load: LoadFleets, kind: str = "Schedule") -> list[tuple[Object, str]]:
    """Every object of the kind in force with its revision: the organisation's as the newest customer has it, and
    customers'.
    """
    known = await db.read(pairs)
    fleets = await load({revision for pair in known.values() for revision in pair})
    found: dict[tuple[str, str, str], tuple[Object, str]] = {}
    for customer, (org, own) in known.items():
        for revision, owner in ((org, None), (own, customer)):
            for item in fleets[revision].owned_by(owner) if revision in fleets else ():
                if item.key.kind == kind:
                    found[item.name, str(item.key.scope), item.key.kind] = item, revision
    return [found[place] for place in sorted(found)]


def row(item: Object, revision: str) -> ScheduleRow | None:
    """A schedule in a list."""
    spec = item.spec
    if not isinstance(spec, Schedule):
        return None
    return ScheduleRow(
        name=item.name, scope=str(item.key.scope), cron=spec.cron, timezone=spec.timezone, jitter=spec.jitter,
        missed=spec.missed, template=spec.template, selector=spec.selector, revision=revision,
    )


def owner_of(item: Object) -> str:
    """The customer that it belongs to; empty: the organisation's."""
    scope: Scope = item.key.scope
    return "" if scope == ORG else scope.customer


class Ran(NamedTuple):
    """A page of runs; `total` counts all, `next` is the key of the last one when there are more."""

    rows: list[ScheduledRun]
    total: int
    next: Key | None


def runs(
    connection: Connection, devices: Mapping[str, Device], *, schedule: str, last: Key | None, most: int, full: bool
) -> Ran:
    """The runs of these devices after the one with the key `last`, the newest first."""
    run = schedule_run.c
    query = select(run.due_at, run.device, run.job).where(run.tenant == whose(connection)).order_by(
        run.due_at.desc(), run.device, run.job)
    if schedule:
        query = query.where(run.schedule == schedule)
    theirs = [(due, device, job) for due, device, job in connection.execute(query) if device in devices]
    seen = (-int(last[0]), *last[1:]) if last else None
    begin = bisect_right(theirs, seen, key=lambda one: (-one[0], *one[1:])) if seen else 0
    page, found = theirs[begin : begin + most], []
    for _, device, job in page:
        one = connection.execute(select(schedule_run).where(
            run.tenant == whose(connection), run.device == device, run.job == job)).one()
        here, long = devices[device], len(one.out) + len(one.err) if full else SHORT
        found.append(ScheduledRun(
            run=job, id=device, name=here.name,
            customer=here.place.customer, site=here.place.site, schedule=one.schedule,
            template=one.template, due=one.due_at, state=one.state, reason=one.reason, started_at=one.started_at,
            finished_at=one.finished_at, duration=one.duration, exit_code=one.exit_code, signal=one.signal,
            printed=one.printed, out=one.out[:long].decode(errors="replace"),
            err=one.err[:long].decode(errors="replace"),
        ))
    return Ran(found, len(theirs), page[-1] if begin + len(page) < len(theirs) else None)
