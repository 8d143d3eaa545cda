"""A recorder of runs that no job ordered: devices ran them by their schedules. It never commits.

It is the device's word: bounded, cleaned, and final once it told an end. Failures go into the audit log one by one, all
other ends are counted there (summing.py).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, text

from guru_policy.errors import InputInvalid
from guru_server.audit.log import Deed
from guru_server.gateway.plain import plain
from guru_server.schedules.tables import schedule_run
from guru_server.store.binding import whose
from guru_wire.running import ENDED, PIECE, OfSchedule, Run, State, Stream

MOST_RUNS = 1_000                       # kept of one device: the oldest make room
COUNTED: frozenset[State] = frozenset({"succeeded", "expired"})
MOST_SINGLY = 100                       # failures that are told one by one of what came at once

_KEEP = text(
    "INSERT INTO schedule_run (tenant, device, job, schedule, template, due_at, state, ended, reason, started_at,"
    " finished_at, duration, exit_code, signal, printed, out, err, recorded_at, uncounted, ending)"
    " VALUES (:tenant, :device, :job, :schedule, :template, :due_at, :state, :ended, :reason, :started_at,"
    " :finished_at, :duration, :exit_code, :signal, :printed, :out, :err, :recorded_at, :uncounted, :no)"
    " ON CONFLICT (tenant, device, job) DO UPDATE SET state = excluded.state, ended = excluded.ended,"
    " reason = excluded.reason, started_at = excluded.started_at, finished_at = excluded.finished_at,"
    " duration = excluded.duration, exit_code = excluded.exit_code, signal = excluded.signal,"
    " printed = excluded.printed, out = excluded.out, err = excluded.err, recorded_at = excluded.recorded_at,"
    " uncounted = excluded.uncounted,"
    " ending = CASE WHEN excluded.ended THEN excluded.ending ELSE schedule_run.ending END"
)


def keep_runs(connection: Connection, said: Sequence[tuple[str, Run, OfSchedule]], now: int) -> list[Deed]:
    """Keep what devices say of their scheduled runs; what the audit log is to keep of it."""
    notes: list[Deed] = []
    told: set[str] = set()
    for device, run, schedule in sorted(said, key=lambda one: (one[0], one[1].job)):
        if _ended(connection, device, run.job):
            continue                    # the first end is final
        row = _row(device, run, schedule, now)
        connection.execute(_KEEP, {"tenant": whose(connection), "no": False, **row})
        told.add(device)
        if row["ended"] and run.state not in COUNTED:
            how = run.state + (f", exit code {run.exit_code}" if run.exit_code is not None else "")
            reason = f", {row['reason']}" if row["reason"] else ""
            notes.append(Deed(
                f"device:{device}", "ScheduledRunEnded", f"schedule:{row['schedule']}", f"{how}{reason}",
                device=device,
            ))
    for device in sorted(told):
        _make_room(connection, device)
    more = len(notes) - MOST_SINGLY
    if more > 0:
        notes[MOST_SINGLY:] = [Deed("server", "ScheduledRunEnded", "schedule:", f"{more} more ended without success")]
    return notes


def forget_runs(connection: Connection, before: int) -> int:
    """Drop what was recorded before a time (ms UTC); how many."""
    run = schedule_run.c
    return connection.execute(
        delete(schedule_run).where(run.tenant == whose(connection), run.recorded_at < before)).rowcount


def _ended(connection: Connection, device: str, job: str) -> bool:
    run = schedule_run.c
    return bool(connection.execute(select(run.ended).where(
        run.tenant == whose(connection), run.device == device, run.job == job)).scalar())


def _row(device: str, run: Run, schedule: OfSchedule, now: int) -> dict[str, Any]:
    return {
        "device": device, "job": run.job, "schedule": plain(schedule.name, 128),
        "template": plain(schedule.template, 128), "due_at": schedule.due, "state": run.state,
        "ended": run.state in ENDED, "reason": plain(run.reason, 500), "started_at": _before(run.started_at, now),
        "finished_at": _before(run.finished_at, now), "duration": run.duration, "exit_code": run.exit_code,
        "signal": run.signal, "printed": run.out + run.err, "out": _kept(run, "out"), "err": _kept(run, "err"),
        "recorded_at": now, "uncounted": run.state in COUNTED,
    }


def _before(moment: int | None, now: int) -> int | None:
    return None if moment is None else min(moment, now)


def _kept(run: Run, stream: Stream) -> bytes:
    """What the run printed on a stream, as much as one run may."""
    pieces = sorted((one.offset, one.data) for one in run.rest if one.stream == stream and one.job == run.job)
    try:
        return b"".join(base64.b64decode(data, validate=True) for _, data in pieces)[:PIECE]
    except binascii.Error as cause:
        raise InputInvalid("output is not base64") from cause


def _make_room(connection: Connection, device: str) -> None:
    run, mine = schedule_run.c, whose(connection)
    old = list(connection.execute(
        select(run.job).where(run.tenant == mine, run.device == device)
        .order_by(run.recorded_at.desc(), run.due_at.desc()).offset(MOST_RUNS)
    ).scalars())
    if old:
        connection.execute(delete(schedule_run).where(run.tenant == mine, run.device == device, run.job.in_(old)))
