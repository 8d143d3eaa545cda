"""What devices say of their runs, kept: the newest run counts, fifty are remembered. It judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, text

from guru_server.clock import Clock
from guru_server.fleet.tables import device_state
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.plain import plain
from guru_wire.operator import RunSummary
from guru_wire.uplink import Report, ResourceReport

RUNS_A_DEVICE = 50
MAX_RESOURCES = 2000
MAX_STEPS = 50

_RUN = text(
    "INSERT INTO run (tenant, device, run, finished_at, body) VALUES (:tenant, :device, :run, :at, :body)"
    " ON CONFLICT DO NOTHING"
)
_FORGET = text(
    "DELETE FROM run WHERE tenant = :tenant AND device = :device AND run NOT IN (SELECT run FROM run"
    " WHERE tenant = :tenant AND device = :device ORDER BY finished_at DESC, run LIMIT :most)"
)
_APPLIED = text(
    "UPDATE device_state SET applied_serial = :serial, applied_revision = :revision, converged = :converged,"
    " run_at = :at, run = :body, state_since = :since WHERE tenant = :tenant AND device = :device"
)


def report_recorder(now: Clock) -> Recorder:
    """The Recorder of runs: keeps each once; one on an older serial never replaces a newer. No topic hears of it.

    A device's reports come in the order in which they were made; the times in them may be of a wrong clock, and
    none is taken that is later than `now`.
    """

    def record(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        for item in items:
            _record(connection, item, Report.model_validate(item.body), now())
        return {}

    return record


def _record(connection: Connection, item: Received, report: Report, now: int) -> None:
    summary = _summary(report, now)
    body = summary.model_dump_json()
    owner = {"tenant": item.tenant, "device": item.device}
    row = {**owner, "run": summary.run, "at": summary.finished_at, "body": body}
    if not connection.execute(_RUN, row).rowcount:
        return
    connection.execute(_FORGET, {**owner, "most": RUNS_A_DEVICE})
    where = (device_state.c.tenant == item.tenant, device_state.c.device == item.device)
    known = connection.execute(
        select(
            device_state.c.applied_serial,
            device_state.c.converged,
            device_state.c.state_since,
        ).where(*where)
    ).one_or_none()
    if known is None or known.applied_serial > summary.serial:
        return
    same = (known.applied_serial, known.converged) == (summary.serial, summary.converged)
    connection.execute(_APPLIED, {
        **owner, "serial": summary.serial, "revision": summary.revision, "converged": summary.converged,
        "at": summary.finished_at, "body": body, "since": known.state_since if same else summary.finished_at,
    })


def _summary(report: Report, now: int) -> RunSummary:
    return RunSummary(
        run=plain(report.run, 32),
        serial=report.serial,
        revision=plain(report.revision, 64),
        started_at=min(report.started_at, now),
        finished_at=min(report.finished_at, now),
        cause=report.cause,
        converged=report.converged,
        resources=tuple(_resource(one) for one in report.resources[:MAX_RESOURCES]),
    )


def _resource(one: ResourceReport) -> ResourceReport:
    return one.model_copy(update={
        "id": plain(one.id, 300),
        "kind": plain(one.kind, 64),
        "steps": tuple(plain(step, 300) for step in one.steps[:MAX_STEPS]),
        "message": plain(one.message, 1000),
    })
