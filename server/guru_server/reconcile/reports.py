"""What devices say of their runs, kept: the newest run counts, fifty are remembered. It judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, text

from guru_server.clock import Clock
from guru_server.fleet.tables import device_state
from guru_server.gateway.devices import note_ahead
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.plain import plain
from guru_server.reconcile.tables import manifest
from guru_wire.operator import RunSummary
from guru_wire.uplink import Report, ResourceOutcome, ResourceReport

RUNS_A_DEVICE = 50
MAX_RESOURCES = 2000
MAX_STEPS = 50
MAX_WINDOWS = 20
FINE = frozenset({ResourceOutcome.same, ResourceOutcome.changed, ResourceOutcome.drifted})

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

_OTHER = text(
    "UPDATE device_state SET ahead_serial = :serial WHERE tenant = :tenant AND device = :device"
    " AND desired_serial = :serial"
)


def report_recorder(now: Clock) -> Recorder:
    """The Recorder of runs: keeps each once; one on an older serial never replaces a newer.

    The topic `inventory` hears of a device that ran a manifest which this database does not know, because it was
    restored from a backup: a serial beyond the newest, or the newest with another bundle.

    A device's reports come in the order in which they were made; the times in them may be of a wrong clock, and
    none is taken that is later than `now`.
    """

    def record(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        ahead = {
            item.device for item in items if _record(connection, item, Report.model_validate(item.body), now())
        }
        return {"inventory": ahead} if ahead else {}

    return record


def _record(connection: Connection, item: Received, report: Report, now: int) -> bool:
    """Keep the run; whether it was of a manifest that is not known here."""
    summary = _summary(report, now)
    body = summary.model_dump_json()
    owner = {"tenant": item.tenant, "device": item.device}
    row = {**owner, "run": summary.run, "at": summary.finished_at, "body": body}
    if not connection.execute(_RUN, row).rowcount:
        return False
    ahead = _ahead(connection, item, report)
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
        return ahead
    # What a maintenance window keeps from being changed is on its way: neither done nor failed.
    converged = None if summary.blocked and not failed(summary) and not summary.converged else summary.converged
    same = (known.applied_serial, known.converged) == (summary.serial, converged)
    connection.execute(_APPLIED, {
        **owner, "serial": summary.serial, "revision": summary.revision, "converged": converged,
        "at": summary.finished_at, "body": body, "since": known.state_since if same else summary.finished_at,
    })
    return ahead


def _ahead(connection: Connection, item: Received, report: Report) -> bool:
    known = connection.execute(
        select(manifest.c.serial, manifest.c.bundle).where(
            manifest.c.tenant == item.tenant, manifest.c.device == item.device
        )
    ).one_or_none()
    if known is None or report.serial > known.serial:
        return note_ahead(connection, item.tenant, item.device, report.serial)
    if report.serial < known.serial or report.bundle == known.bundle:
        return False
    connection.execute(_OTHER, {"tenant": item.tenant, "device": item.device, "serial": report.serial})
    return True


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
        blocked=tuple(plain(name, 63) for name in report.blocked[:MAX_WINDOWS]),
        blocked_until=report.blocked_until,
    )


def failed(summary: RunSummary) -> bool:
    """Whether something went wrong in the run."""
    return any(one.outcome not in FINE for one in summary.resources)


def _resource(one: ResourceReport) -> ResourceReport:
    return one.model_copy(update={
        "id": plain(one.id, 300),
        "kind": plain(one.kind, 64),
        "steps": tuple(plain(step, 300) for step in one.steps[:MAX_STEPS]),
        "message": plain(one.message, 1000),
    })
