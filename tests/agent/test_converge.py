"""Convergence of a real sandbox folder: what is changed, when, how often, and what is said of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from guru_agent.converge.loop import Converger, Machine
from guru_agent.executor import Executor
from guru_agent.host import open_host
from guru_agent.state.desired import Accepted
from guru_policy.bundle import Bundle, PlacedResource
from guru_wire.manifest import Manifest
from guru_wire.uplink import Change, Report, ResourceOutcome
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, LinkServer, until


class Box:
    """A sandbox root with an agent's converger on it."""

    def __init__(self, parts: Parts, root: Path, fleet: Fleet) -> None:
        root.mkdir(exist_ok=True)
        self.parts, self.root, self.fleet = parts, root, fleet
        self.changes = 0
        doer = Executor(root, parts.folder / "backups", parts.blobs.read)
        machine = Machine(open_host(root), doer)
        self.converger = Converger(parts.store, parts.spool, parts.desired, machine, parts.clock, self._count)

    def _count(self) -> None:
        self.changes += 1

    async def once(self, *resources: PlacedResource, serial: int = 1, **settings: int) -> Report:
        """One run for a bundle of these resources."""
        bundle: Bundle = self.fleet.bundle(*resources, **settings)
        manifest = Manifest(
            device=self.fleet.device, serial=serial, revision="a" * 40, bundle="0" * 64, issued_at=0,
            expires_at=1,
        )
        return await self.converger.once(Accepted(manifest, bundle), "interval")

    def reports(self) -> list[Report]:
        """Those in the spool."""
        waiting = self.parts.spool.batch(1000, 1 << 24)
        return [Report.model_validate_json(item.body) for item in waiting if item.kind == "report"]

    def lines(self, name: str) -> int:
        """How often a command appended to a file."""
        path = self.root / name
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def box(parts: Parts, tmp_path: Path, fleet: Fleet) -> Box:
    return Box(parts, tmp_path / "root", fleet)


def a_file(content: str = "hello\n", *, mode: str = "enforce", name: str = "motd") -> PlacedResource:
    return PlacedResource(id=name, kind="file", mode=mode, spec={"path": f"/etc/{name}", "content": content})


def a_command(root: Path, command: str, unless: str = "false", **more: object) -> PlacedResource:
    spec = {"shell": f"cd {root} && {command}", "unless": f"cd {root} && {unless}"}
    return PlacedResource(id="cmd", kind="command", spec=spec, **more)


async def test_a_run_makes_it_so_and_the_next_one_writes_no_report(box: Box) -> None:
    first = await box.once(a_file())
    second = await box.once(a_file())

    assert (box.root / "etc/motd").read_text() == "hello\n"
    assert first.resources[0].outcome is ResourceOutcome.changed
    assert first.resources[0].change is Change.intentional
    assert second.resources[0].outcome is ResourceOutcome.same
    assert [report.run for report in box.reports()] == [first.run]
    assert box.changes == 1


async def test_drift_is_corrected_and_called_corrective(box: Box) -> None:
    await box.once(a_file())
    (box.root / "etc/motd").write_text("edited by hand\n")
    report = await box.once(a_file())

    assert (box.root / "etc/motd").read_text() == "hello\n"
    assert report.resources[0].change is Change.corrective
    assert len(box.reports()) == 2


async def test_a_new_serial_is_reported_although_nothing_changed(box: Box) -> None:
    await box.once(a_file())
    await box.once(a_file(), serial=2)

    assert [report.serial for report in box.reports()] == [1, 2]


async def test_two_corrections_of_different_things_are_both_told(box: Box) -> None:
    both = (a_file(name="one"), a_file(name="two"))
    await box.once(*both)
    for name in ("one", "two"):
        (box.root / "etc" / name).write_text("drift\n")
        await box.once(*both)

    assert len(box.reports()) == 3


async def test_observe_mode_tells_and_touches_nothing(box: Box) -> None:
    report = await box.once(a_file(mode="observe"))
    again = await box.once(a_file(mode="observe"))

    assert not (box.root / "etc/motd").exists()
    assert report.resources[0].outcome is ResourceOutcome.drifted
    assert report.resources[0].change is Change.suppressed
    assert report.converged
    assert again.run not in [one.run for one in box.reports()]


async def test_what_comes_after_a_failure_is_skipped_and_the_rest_goes_on(box: Box) -> None:
    (box.root / "etc/bad").mkdir(parents=True)
    bad = a_file(name="bad")
    behind = a_file(name="behind").model_copy(update={"after": ("bad",)})
    further = a_file(name="further").model_copy(update={"after": ("behind",)})
    report = await box.once(bad, behind, further, a_file(name="free"))

    assert [one.outcome.value for one in report.resources] == ["failed", "skipped", "skipped", "changed"]
    assert not report.converged


async def test_an_unknown_kind_is_unsupported_and_stops_nobody(box: Box) -> None:
    report = await box.once(PlacedResource(id="x", kind="hologram", spec={}), a_file())

    assert [one.outcome.value for one in report.resources] == ["unsupported", "changed"]


async def test_steps_that_did_not_help_are_a_failure(box: Box) -> None:
    report = await box.once(a_command(box.root, "true"))

    assert report.resources[0].outcome is ResourceOutcome.failed
    assert "did not converge" in report.resources[0].message


async def test_a_failing_resource_is_not_hammered(box: Box) -> None:
    failing = a_command(box.root, "echo try >> tries; false")
    reports = [await box.once(failing) for _ in range(5)]

    assert box.lines("tries") == 1
    assert {report.resources[0].outcome.value for report in reports} == {"failed"}
    assert len(box.reports()) <= 2


async def test_a_new_state_is_tried_at_once(box: Box) -> None:
    failing = a_command(box.root, "echo try >> tries; false")
    await box.once(failing)
    await box.once(a_command(box.root, "echo try >> tries; true", "test -f tries"), serial=2)

    assert box.lines("tries") == 1
    assert (await box.once(a_command(box.root, "true", "test -f tries"))).converged


async def test_a_wall_clock_that_jumps_ends_no_back_off(box: Box, time_machine: object) -> None:
    failing = a_command(box.root, "echo try >> tries; false")
    await box.once(failing)
    time_machine.move_to(time.time() + 400 * 86_400, tick=True)  # type: ignore[attr-defined]
    await box.once(failing)
    time_machine.move_to(time.time() - 800 * 86_400, tick=True)  # type: ignore[attr-defined]
    await box.once(failing)

    assert box.lines("tries") == 1


async def test_what_was_cleared_while_waiting_is_fine_again(box: Box) -> None:
    waiting = a_command(box.root, "false", "test -f done")
    await box.once(waiting)
    (box.root / "done").touch()
    report = await box.once(waiting)

    assert report.converged


async def test_it_goes_on_from_the_last_state_with_the_server_gone(
    parts: Parts, fleet: Fleet, server: LinkServer, tmp_path: Path
) -> None:
    fleet.publish(fleet.bundle(a_file()))
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
    await server.stop()
    parts.store.close()
    again = Parts(parts.folder)
    box = Box(again, tmp_path / "root", fleet)
    assert again.desired.current is not None
    await box.converger.once(again.desired.current, "start")

    assert (box.root / "etc/motd").read_text() == "hello\n"


async def test_the_loop_converges_for_a_new_state_and_against_drift(
    parts: Parts, fleet: Fleet, server: LinkServer, box: Box
) -> None:
    motd = box.root / "etc/motd"
    fleet.publish(fleet.bundle(a_file(), converge=1))
    task = asyncio.create_task(box.converger.run())
    async with parts.linked():
        await until(lambda: len(fleet.of("report")) == 1)
        motd.write_text("drift")
        await until(lambda: motd.read_text() == "hello\n")
        await until(lambda: len(fleet.of("report")) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    causes = [(body["cause"], body["resources"][0]["change"]) for body in fleet.of("report")]
    assert causes == [("manifest", "intentional"), ("interval", "corrective")]


async def test_a_huge_report_still_fits_a_frame(box: Box) -> None:
    resources = [PlacedResource(id=f"r{n}" * 20, kind="nothing", spec={}) for n in range(4000)]
    await box.once(*resources)

    waiting = box.parts.spool.batch(1, 1)
    assert orjson.loads(waiting[0].body)["converged"] is False
    assert len(waiting[0].body) < 512 << 10


async def test_a_full_state_folder_means_nothing_is_touched(box: Box, room: Callable[[], None]) -> None:
    room()
    report = await box.once(a_file())

    assert report.resources[0].outcome is ResourceOutcome.failed
    assert not (box.root / "etc/motd").exists()


@pytest.fixture
def room(parts: Parts) -> Callable[[], None]:
    """Take all room from the database."""
    def take() -> None:
        parts.store.sql.execute("PRAGMA query_only = ON")

    return take
