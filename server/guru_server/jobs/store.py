"""Reads jobs, their runs and what they printed. It writes nothing."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, func, select, text

from guru_policy.errors import Conflict, NotFound
from guru_server.cursors import Key, newest_after
from guru_server.fleet.state import LINK_QUIET_MS
from guru_server.jobs.deciding import Standing, Wave
from guru_server.jobs.seeing import of_job
from guru_server.jobs.tables import job, job_output, job_run
from guru_server.rights.asking import Sight
from guru_server.store.binding import whose
from guru_wire.jobs import JobRow, OutputRow, RunRow
from guru_wire.running import State

MOST_LIKE = 100                         # jobs whose ids begin alike
MOST_RUNS, MOST_PIECES = 2_000, 200     # of one answer about progress

_RUN = (
    "SELECT r.device, r.name, r.customer, r.site, r.wave, r.state, r.reason, r.started_at, r.finished_at, r.duration,"
    " r.exit_code, r.signal, r.out, r.err, r.kept, r.digest, r.changed, s.connected, s.last_seen"
    " FROM job_run r LEFT JOIN device_state s ON s.tenant = r.tenant AND s.device = r.device"
    " WHERE r.tenant = :tenant AND r.job = :job"
)
_RUNS = text(_RUN + " ORDER BY r.customer, r.site, r.name, r.device")
_CHANGED = text(_RUN + " AND r.changed > :after ORDER BY r.changed, r.device LIMIT :most")
_STANDINGS = text(
    "SELECT r.wave, r.state, s.connected, s.last_seen FROM job_run r"
    " LEFT JOIN device_state s ON s.tenant = r.tenant AND s.device = r.device"
    " WHERE r.tenant = :tenant AND r.job = :job"
    " AND r.state IN ('queued', 'sent', 'running')"
)
_PIECES = text(
    "SELECT o.number, o.device, r.name, o.stream, o.position, o.data FROM job_output o"
    " JOIN job_run r ON r.tenant = o.tenant AND r.job = o.job AND r.device = o.device"
    " WHERE o.tenant = :tenant AND o.job = :job AND o.number > :after ORDER BY o.number LIMIT :most"
)
_COUNTS = text(
    "SELECT job, state, count(*) AS runs FROM job_run WHERE tenant = :tenant AND job IN :jobs GROUP BY job, state"
).bindparams(bindparam("jobs", expanding=True))


class Changes(NamedTuple):
    """What changed after a number, and the number up to which it was read."""

    runs: Sequence[RunRow]
    output: Sequence[OutputRow]
    next: int


def find(connection: Connection, ref: str, sight: Sight) -> Row[Any]:
    """The job that an id, or the beginning of one, means. NotFound, or Conflict when several begin so.

    A job of which no device is in sight is as good as not there.
    """
    prefix = ref.lower().removeprefix("job:")
    hint = "`guru job list` shows the newest jobs"
    if not 4 <= len(prefix) <= 32 or not all(one in "0123456789abcdef" for one in prefix):
        raise NotFound(f"no job is called {ref[:64]}", hint=hint)
    query = select(job).where(job.c.tenant == whose(connection), job.c.id >= prefix, job.c.id < prefix + "g")
    alike = connection.execute(query.limit(MOST_LIKE)).all()
    rows = [row for row in alike if sight.whole or of_job(connection, row.id, sight).devices]
    if alike and not rows:
        sight.hidden(f"job:{alike[0].id}")
    if not rows:
        raise NotFound(f"no job is called {ref[:64]}", hint=hint)
    if len(rows) > 1:
        raise Conflict(f"several jobs begin with {prefix}", hint="write more of the id")
    return rows[0]


def by_id(connection: Connection, job_id: str) -> Row[Any]:
    """The job of exactly this id, which is there."""
    return connection.execute(select(job).where(job.c.tenant == whose(connection), job.c.id == job_id)).one()


def newest(connection: Connection, limit: int, last: Key | None = None) -> list[Row[Any]]:
    """The newest jobs; after the one that began and is called as `last` says."""
    of = and_(job.c.tenant == whose(connection), *newest_after(job.c.created_at, job.c.id, last))
    query = select(job).where(of).order_by(job.c.created_at.desc(), job.c.id).limit(limit)
    return list(connection.execute(query).all())


def newest_of(connection: Connection, jobs: Collection[str], limit: int, last: Key | None = None) -> list[Row[Any]]:
    """The newest of these jobs, after `last`."""
    of = and_(job.c.tenant == whose(connection), *newest_after(job.c.created_at, job.c.id, last))
    times = select(job.c.id).where(of).order_by(job.c.created_at.desc(), job.c.id)
    chosen = list(islice((one for one in connection.execute(times).scalars() if one in jobs), limit))
    query = select(job).where(job.c.tenant == whose(connection), job.c.id.in_(chosen))
    return list(connection.execute(query.order_by(job.c.created_at.desc(), job.c.id)).all())


def total(connection: Connection) -> int:
    """How many jobs are kept."""
    return int(connection.execute(select(func.count()).where(job.c.tenant == whose(connection))).scalar_one())


def counts(connection: Connection, jobs: Sequence[str]) -> dict[str, dict[State, int]]:
    """Runs by state, of each of these jobs."""
    found: dict[str, dict[State, int]] = {one: {} for one in jobs}
    if jobs:
        for row in connection.execute(_COUNTS, {"tenant": whose(connection), "jobs": list(jobs)}):
            found[row.job][row.state] = row.runs
    return found


def job_row(row: Row[Any], by_state: Mapping[State, int]) -> JobRow:
    """A job as people see it."""
    return JobRow(
        id=row.id, what=row.what, actor=row.actor, target=row.target, created_at=row.created_at,
        expires_at=row.expires_at, finished_at=row.finished_at, timeout=row.timeout, output=row.output,
        template=row.template, revision=row.revision, batch=row.batch, stopped=row.stopped, total=row.total,
        counts=dict(by_state), held="" if row.stopped else row.held,
    )


def runs(connection: Connection, job_id: str, now: int) -> list[RunRow]:
    """Every run of a job by customer, site and name."""
    return [_run(row, now) for row in connection.execute(_RUNS, {"tenant": whose(connection), "job": job_id})]


def run_of(connection: Connection, job_id: str, device: str, now: int) -> RunRow:
    """The run of one device; NotFound when the job is not for it."""
    found = text(_RUN + " AND r.device = :device")
    row = connection.execute(found, {"tenant": whose(connection), "job": job_id, "device": device}).one_or_none()
    if row is None:
        hint = f"`guru job show {job_id[:8]}` lists its devices"
        raise NotFound(f"job {job_id[:8]} is not for that device", hint=hint)
    return _run(row, now)


def changes(connection: Connection, of: Row[Any], after: int, now: int, output: bool) -> Changes:
    """What changed of the job in `of` after a number, in the order of numbers, as much as one answer may hold."""
    values = {"tenant": whose(connection), "job": of.id, "after": after}
    rows = connection.execute(_CHANGED, {**values, "most": MOST_RUNS}).all()
    pieces = connection.execute(_PIECES, {**values, "most": MOST_PIECES}).all() if output else []
    ends = [rows[-1].changed] if len(rows) == MOST_RUNS else []
    ends += [pieces[-1].number] if len(pieces) == MOST_PIECES else []
    numbers = [row.changed for row in rows] + [piece.number for piece in pieces]
    until = min(ends) if ends else max([after, of.changes, *numbers])     # numbers may have gaps
    return Changes(
        [_run(row, now) for row in rows if row.changed <= until],
        [
            OutputRow(device=one.device, name=one.name, stream=one.stream, offset=one.position,
                      data=base64.b64encode(one.data).decode())
            for one in pieces if one.number <= until
        ],
        until,
    )


def standings(connection: Connection, job_id: str, now: int) -> list[Standing]:
    """The runs of a job that have not ended."""
    return [
        Standing(row.wave, row.state, _online(row, now))
        for row in connection.execute(_STANDINGS, {"tenant": whose(connection), "job": job_id})
    ]


def wave_of(row: Row[Any]) -> Wave:
    """The newest wave of the job in `row`."""
    return Wave(row.wave, row.waves, row.wave_at, row.over_at, row.delay, row.max_failures)


def printed(connection: Connection, job_id: str, device: str, stream: str) -> bytes:
    """All that is kept of a stream, from its beginning to the first gap."""
    here = (
        job_output.c.tenant == whose(connection), job_output.c.job == job_id, job_output.c.device == device,
        job_output.c.stream == stream,
    )
    query = select(job_output.c.position, job_output.c.data).where(*here).order_by(job_output.c.position)
    whole = bytearray()
    for position, data in connection.execute(query):
        if position != len(whole):
            break
        whole += data
    return bytes(whole)


def unsuccessful(connection: Connection, job_id: str, only_failed: bool) -> list[str]:
    """The devices of a job, or those where it ended without success."""
    here = [job_run.c.tenant == whose(connection), job_run.c.job == job_id]
    if only_failed:
        here.append(job_run.c.state.in_(("failed", "timed_out", "expired", "cancelled", "lost")))
    return [str(one) for one in connection.execute(select(job_run.c.device).where(*here)).scalars()]


def _run(row: Row[Any], now: int) -> RunRow:
    return RunRow(
        device=row.device, name=row.name, customer=row.customer, site=row.site, state=row.state, reason=row.reason,
        online=_online(row, now), started_at=row.started_at, finished_at=row.finished_at, duration=row.duration,
        exit_code=row.exit_code, signal=row.signal, out=row.out, err=row.err, kept=row.kept, digest=row.digest,
    )


def _online(row: Row[Any], now: int) -> bool:
    """Whether the device is on a link, which is what an order needs; a heartbeat alone is not enough."""
    return row.connected is not None and row.last_seen is not None and now - row.last_seen <= LINK_QUIET_MS
