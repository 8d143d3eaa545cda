"""Recorders of what devices say of runs: states, ends and output. They never commit.

A device's word about a job that was never given to it is passed over. Output beyond what the job allows is not kept.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from guru_policy.errors import InputInvalid
from guru_server.audit.log import Deed, append
from guru_server.clock import Clock
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.plain import plain
from guru_server.jobs.changing import audited, numbers
from guru_server.schedules.recording import keep_runs
from guru_server.store.binding import whose
from guru_wire.running import ENDED, PIECE, OfSchedule, Output, Run

MOST_KEPT = 256 << 20                   # bytes of output of one job, all devices together
ROW = 128                               # bytes that a piece takes beside its data
NEWS = "job_news"                       # the topic that names jobs which changed
_SLICE = 500

_MINE = text(
    "SELECT device, heard FROM job_run WHERE tenant = :tenant AND job = :job AND device IN :devices"
).bindparams(bindparam("devices", expanding=True))
_RUNNING = text(
    "UPDATE job_run SET state = 'running', reason = '', started_at = :started_at, finished_at = NULL,"
    " changed = :changed"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND heard = :no"
)
_OPEN = text("UPDATE job SET finished_at = NULL WHERE tenant = :tenant AND id = :job AND finished_at IS NOT NULL")
_ENDED = text(
    "UPDATE job_run SET state = :state, reason = :reason, started_at = :started_at, finished_at = :finished_at,"
    " duration = :duration, exit_code = :exit_code, signal = :signal, out = :out, err = :err, kept = :kept,"
    " digest = :digest, heard = :yes, changed = :changed"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND heard = :no"
)
_OUTPUT = text(
    "INSERT INTO job_output (tenant, job, device, stream, position, number, data)"
    " VALUES (:tenant, :job, :device, :stream, :position, :number, :data) ON CONFLICT DO NOTHING"
)

_LIMIT = text("SELECT output FROM job WHERE tenant = :tenant AND id = :job")
_PLACES = text(
    "SELECT device, stream, position, length(data) AS size FROM job_output"
    " WHERE tenant = :tenant AND job = :job AND device IN :devices AND position > :after AND position < :before"
).bindparams(bindparam("devices", expanding=True))


class Piece(NamedTuple):
    """Output of one device, decoded."""

    device: str
    said: Output
    data: bytes


class RunRecorder:
    """Stores what devices say of runs; a transaction may hold many devices and jobs."""

    def __init__(self, now: Clock) -> None:
        self._now = now

    def runs(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """A Recorder of the kind `run`."""
        by_job: dict[str, list[tuple[str, Run]]] = defaultdict(list)
        alone: list[tuple[str, Run, OfSchedule]] = []
        for item in items:
            said = Run.model_validate(item.body)
            if said.schedule is not None:
                alone.append((item.device, said, said.schedule))
            else:
                by_job[said.job].append((item.device, said))
        now = self._now()
        notes = keep_runs(connection, alone, now)
        notes += [note for job in sorted(by_job) for note in _runs(connection, job, by_job[job], now)]
        append(connection, now, notes)          # last: who holds the log's head waits for no job
        return {NEWS: set(by_job)} if by_job else {}

    def output(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """A Recorder of the kind `output`."""
        by_job: dict[str, list[Piece]] = defaultdict(list)
        for item in items:
            said = Output.model_validate(item.body)
            by_job[said.job].append(_piece(item.device, said))
        for job in sorted(by_job):
            mine = _mine(connection, job, {piece.device for piece in by_job[job]})
            _keep(connection, job, [piece for piece in by_job[job] if piece.device in mine])
        return {NEWS: set(by_job)} if by_job else {}


def recorders(now: Clock) -> dict[str, Recorder]:
    """What jobs store, by item kind."""
    recorder = RunRecorder(now)
    return {"output": recorder.output, "run": recorder.runs}


def _runs(connection: Connection, job: str, said: Sequence[tuple[str, Run]], now: int) -> list[Deed]:
    """Store what devices say of their runs of one job; what the audit log is to keep of it."""
    mine = _mine(connection, job, {device for device, _ in said})
    known = list(_to_their_ends((device, run) for device, run in said if mine.get(device) is False))
    _keep(connection, job, [_piece(device, one) for device, run in known for one in run.rest if one.job == job])
    given = numbers(connection, job, len(known)) if known else None
    if given is None:
        return []
    begun, ended, notes = [], [], []
    for place, (device, run) in enumerate(known):
        here = {"tenant": whose(connection), "job": job, "device": device, "changed": given.first + place, "no": False}
        started = None if run.started_at is None else min(run.started_at, now)
        if run.state not in ENDED:
            begun.append({**here, "started_at": started})
            continue
        reason = plain(run.reason, 500)
        ended.append({
            **here, "state": run.state, "reason": reason, "yes": True, "started_at": started,
            "finished_at": now if run.finished_at is None else min(run.finished_at, now),
            "duration": run.duration, "exit_code": run.exit_code, "signal": run.signal, "out": run.out,
            "err": run.err, "kept": run.kept, "digest": plain(run.digest, 64),
        })
        how = run.state + (f", exit code {run.exit_code}" if run.exit_code is not None else "")
        notes.append(audited(given.actor, job, device, given.what, f"{how}, {reason}" if reason else how))
    if begun:
        connection.execute(_RUNNING, begun)
        connection.execute(_OPEN, {"tenant": whose(connection), "job": job})       # one that was taken for lost goes on
    if ended:
        connection.execute(_ENDED, ended)
    return notes


def _to_their_ends(said: Iterable[tuple[str, Run]]) -> Iterator[tuple[str, Run]]:
    """What was said, without what a device says after an end: the first one is final."""
    over: set[str] = set()
    for device, run in said:
        if device not in over:
            yield device, run
        if run.state in ENDED:
            over.add(device)


def _mine(connection: Connection, job: str, devices: set[str]) -> dict[str, bool]:
    """Those of the devices that the job was given to, and whether the end of their run was heard."""
    found: dict[str, bool] = {}
    ordered = sorted(devices)
    for start in range(0, len(ordered), _SLICE):
        values = {"tenant": whose(connection), "job": job, "devices": ordered[start : start + _SLICE]}
        found |= {row.device: bool(row.heard) for row in connection.execute(_MINE, values)}
    return found


def _piece(device: str, said: Output) -> Piece:
    try:
        return Piece(device, said, base64.b64decode(said.data, validate=True))
    except binascii.Error as cause:
        raise InputInvalid("output is not base64") from cause


def _keep(connection: Connection, job: str, pieces: Sequence[Piece]) -> None:
    """Keep output, each piece under a number of its own. What is kept never overlaps: so no run has more than its room.
    """
    limit = connection.execute(_LIMIT, {"tenant": whose(connection), "job": job}).scalar() if pieces else None
    if limit is None:
        return
    taken = _taken(connection, job, pieces)
    wanted = [piece for piece in pieces if piece.data and _fits(taken[piece.device, piece.said.stream], piece, limit)]
    given = numbers(connection, job, len(wanted), sum(len(piece.data) + ROW for piece in wanted)) if wanted else None
    if given is None or given.kept > MOST_KEPT:
        return
    connection.execute(_OUTPUT, [
        {"tenant": whose(connection), "job": job, "device": piece.device, "stream": piece.said.stream,
         "position": piece.said.offset, "number": given.first + place, "data": piece.data}
        for place, piece in enumerate(wanted)
    ])


def _taken(
    connection: Connection, job: str, pieces: Sequence[Piece]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """What is kept of the devices' streams where these pieces might overlap it: beginnings and ends."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    ordered = sorted({piece.device for piece in pieces})
    after = min(piece.said.offset for piece in pieces) - 2 * PIECE      # none is larger
    before = max(piece.said.offset + len(piece.data) for piece in pieces)
    for start in range(0, len(ordered), _SLICE):
        values = {"tenant": whose(connection), "job": job, "devices": ordered[start : start + _SLICE],
                  "after": after, "before": before}
        for row in connection.execute(_PLACES, values):
            found[row.device, row.stream].append((row.position, row.position + row.size))
    return found


def _fits(taken: list[tuple[int, int]], piece: Piece, limit: int) -> bool:
    """Whether the piece lies within the limit and beside what is `taken`, which then has it, too."""
    first, end = piece.said.offset, piece.said.offset + len(piece.data)
    if end > limit or any(first < other_end and other_first < end for other_first, other_end in taken):
        return False
    taken.append((first, end))
    return True
