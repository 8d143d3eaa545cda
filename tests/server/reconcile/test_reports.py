"""What devices say of their runs, kept on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from guru_server.clock import SetClock
from guru_server.fleet.tables import device_state
from guru_server.gateway.items import Received
from guru_server.reconcile.reports import RUNS_A_DEVICE, report_recorder
from guru_server.reconcile.status import device_conditions
from guru_server.reconcile.tables import run
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.operator import RunSummary
from guru_wire.uplink import Report, ResourceOutcome, ResourceReport

DEVICE = "d" * 32
record_report = report_recorder(SetClock(1_000_000))


def report(name: str, *, serial: int = 1, at: int = 1000, converged: bool = True, step: str = "") -> Received:
    resource = ResourceReport(id="motd", kind="file", outcome=ResourceOutcome.changed, steps=(step,))
    body = Report(
        run=name.ljust(32, "0"), serial=serial, revision="a" * 40, bundle="b" * 64, started_at=at - 10,
        finished_at=at, cause="manifest", converged=converged, resources=(resource,),
    )
    return Received(TENANT, DEVICE, 1, body.model_dump(mode="json"))


async def enrolled(db: Database) -> None:
    row = device_state.insert().values(
        tenant=TENANT, device=DEVICE, agent_version="", heartbeat=60, desired_serial=2, applied_serial=0
    )
    await db.write(lambda connection: connection.execute(row))


async def applied(db: Database) -> Any:
    return await db.read(lambda connection: connection.execute(select(device_state)).one())


async def test_a_late_report_never_replaces_a_newer_one(db: Database) -> None:
    await enrolled(db)
    await db.write(lambda connection: record_report(connection, [report("b", serial=2, at=2000)]))
    await db.write(lambda connection: record_report(connection, [report("a", serial=1, at=3000)]))

    row = await applied(db)
    assert (row.applied_serial, row.run_at, row.converged) == (2, 2000, True)
    assert RunSummary.model_validate_json(row.run).run.startswith("b")


async def test_a_report_dated_by_a_wrong_clock_never_hides_the_ones_after_it(db: Database) -> None:
    await enrolled(db)
    await db.write(lambda connection: record_report(connection, [report("a", at=4_000_000_000_000)]))
    await db.write(lambda connection: record_report(connection, [report("b", at=2000, converged=False)]))

    row = await applied(db)
    assert (row.run_at, row.converged) == (2000, False)


async def test_a_report_counts_once_however_often_it_comes(db: Database) -> None:
    await enrolled(db)
    for _ in range(2):
        await db.write(lambda connection: record_report(connection, [report("a")]))

    assert await _count(db) == 1


async def test_only_the_newest_runs_are_remembered(db: Database) -> None:
    await enrolled(db)
    many = [report(f"r{number:02}x", at=1000 + number) for number in range(RUNS_A_DEVICE + 10)]
    await db.write(lambda connection: record_report(connection, many))

    first = select(func.min(run.c.finished_at))
    oldest = await db.read(lambda connection: connection.execute(first).scalar())
    assert await _count(db) == RUNS_A_DEVICE
    assert oldest == 1010


async def test_text_of_a_device_loses_its_control_characters(db: Database) -> None:
    await enrolled(db)
    await db.write(lambda connection: record_report(connection, [report("a", step="write \x1b[2J\nhosts")]))

    summary = RunSummary.model_validate_json((await applied(db)).run)
    assert summary.resources[0].steps == ("write  [2J hosts",)


async def test_the_state_is_as_old_as_its_last_change(db: Database) -> None:
    await enrolled(db)
    for number, converged in enumerate((True, True, False)):
        item = report(f"r{number}", at=1000 + number, converged=converged)
        await db.write(lambda connection, item=item: record_report(connection, [item]))
        if number == 1:
            assert (await applied(db)).state_since == 1000

    assert (await applied(db)).state_since == 1002


async def _count(db: Database) -> int:
    def count(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(run)).scalar_one()

    return await db.read(count)


async def test_a_report_from_a_clock_that_ran_ahead_is_replaced_by_the_next(db: Database) -> None:
    await enrolled(db)
    clock = SetClock(1_000_000)
    record = report_recorder(clock)
    await db.write(lambda connection: record(connection, [report("a", at=99_000_000, converged=False)]))
    clock.forward(60_000)
    await db.write(lambda connection: record(connection, [report("b", at=1_050_000)]))

    assert (await applied(db)).converged is True


def blocked(name: str, outcome: ResourceOutcome, *, converged: bool = False) -> Received:
    """A run under an open maintenance window, of a device that names windows as it likes."""
    waits = "waits for the end of maintenance window freeze" if outcome is ResourceOutcome.drifted else ""
    body = Report(
        run=name.ljust(32, "0"), serial=2, revision="a" * 40, bundle="b" * 64, started_at=1000, finished_at=1010,
        cause="interval", converged=converged, blocked=("freeze\x1b[31m",) * 30, blocked_until=1_767_225_600_000,
        resources=(ResourceReport(id="motd", kind="file", outcome=outcome, message=waits),),
    )
    return Received(TENANT, DEVICE, 1, body.model_dump(mode="json"))


async def test_what_a_window_keeps_from_being_changed_is_on_its_way_and_neither_done_nor_failed(db: Database) -> None:
    await enrolled(db)
    await db.write(lambda connection: record_report(connection, [blocked("a", ResourceOutcome.drifted)]))
    waiting = await applied(db)
    (held,) = await db.read(lambda connection: device_conditions(connection, TENANT, DEVICE, 0))
    await db.write(lambda connection: record_report(connection, [blocked("b", ResourceOutcome.failed)]))
    failed = await applied(db)

    assert (waiting.converged, failed.converged) == (None, False)
    assert (held.type, held.status, held.reason) == ("Held", True, "MaintenanceWindow")
    assert "freeze" in held.message
    assert held.message.endswith(" until 2026-01-01T00:00Z: 1 of its resources wait")
    assert held.message.isprintable()
    assert len(RunSummary.model_validate_json(failed.run).blocked) == 20


async def test_a_device_with_nothing_to_do_in_a_window_is_up_to_date_and_held(db: Database) -> None:
    await enrolled(db)
    await db.write(lambda connection: record_report(
        connection, [blocked("a", ResourceOutcome.same, converged=True)]))
    (held,) = await db.read(lambda connection: device_conditions(connection, TENANT, DEVICE, 0))
    await db.write(lambda connection: record_report(connection, [report("b", serial=2, at=2000)]))

    assert held.message.endswith(": nothing waits")
    assert await db.read(lambda connection: device_conditions(connection, TENANT, DEVICE, 0)) == ()
