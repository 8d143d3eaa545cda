"""Drift is what nobody wanted: put right or observed, with its age; what a commit asked for is none."""

from __future__ import annotations

from guru_server.gateway.items import Received
from guru_server.reconcile.drifting import drift
from guru_server.reconcile.reports import report_recorder
from guru_server.store.schema import TENANT
from guru_wire.drift import Drift
from guru_wire.uplink import Change, Report, ResourceOutcome, ResourceReport
from tests.server.reconcile.conftest import World, ident

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"


async def ran(world: World, full: str, at: int, *resources: ResourceReport) -> None:
    report = Report(run=f"{at:032x}", serial=1, revision="a" * 40, bundle="b", started_at=at, finished_at=at,
                    cause="interval", converged=True, resources=resources)
    item = Received(TENANT, ident(full), at, report.model_dump(mode="json"))
    await world.db.write(lambda connection: report_recorder(world.clock)(connection, [item]))


def resource(outcome: ResourceOutcome, change: Change | None, name: str = "motd") -> ResourceReport:
    return ResourceReport(id=name, kind="file", outcome=outcome, change=change, steps=("write /etc/motd",))


async def found(world: World, since: int = 0) -> Drift:
    return await world.db.read(lambda connection: drift(connection, TENANT, since, world.clock()))


async def test_what_was_put_right_is_told_with_its_newest_time_and_count(world: World) -> None:
    await ran(world, ACME, 1000, resource(ResourceOutcome.changed, Change.corrective))
    await ran(world, ACME, 2000, resource(ResourceOutcome.changed, Change.corrective))
    await ran(world, ACME, 3000, resource(ResourceOutcome.same, None))

    (row,) = (await found(world)).items
    assert (row.name, row.resource, row.change, row.open, row.at, row.times) == (
        "web1", "motd", "corrective", False, 2000, 2)


async def test_what_a_commit_asked_for_is_no_drift(world: World) -> None:
    await ran(world, ACME, 1000, resource(ResourceOutcome.changed, Change.intentional))

    assert (await found(world)).items == ()


async def test_what_still_differs_is_open_and_first_however_old(world: World) -> None:
    await ran(world, BOLT, 1000, resource(ResourceOutcome.drifted, Change.suppressed))
    await ran(world, ACME, 9000, resource(ResourceOutcome.changed, Change.corrective))

    rows = (await found(world, since=5000)).items

    assert [(row.customer, row.open, row.times) for row in rows] == [("bolt", True, 1), ("acme", False, 1)]


async def test_older_runs_do_not_count(world: World) -> None:
    await ran(world, ACME, 1000, resource(ResourceOutcome.changed, Change.corrective))

    assert (await found(world, since=1001)).total == 0
