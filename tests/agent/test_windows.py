"""While a maintenance window of its bundle is open a device changes nothing, tells so, and makes up for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from guru_agent.clock import Clock
from guru_agent.converge.loop import Converger, Machine
from guru_agent.converge.windows import Windows
from guru_agent.executor import Executor
from guru_agent.host import open_host
from guru_agent.state.desired import Accepted
from guru_agent.status import look
from guru_policy.bundle import Bundle, PlacedResource, PlacedWindow
from guru_wire.manifest import Manifest
from guru_wire.uplink import Change, Report, ResourceOutcome
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet

FREEZE = PlacedWindow(id="freeze", start="2026-12-30T00:00", duration=4 * 86_400, zone="Europe/Madrid")
BEFORE, DURING, AFTER = "2026-12-29T22:59:59", "2026-12-31T12:00:00", "2027-01-02T23:00:00"


class SetClock(Clock):
    """A clock whose time of day a test sets."""

    def __init__(self, text: str = DURING) -> None:
        super().__init__()
        self.set(text)

    def set(self, text: str) -> None:
        self._now = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    def now(self) -> int:
        return self._now


class Box:
    """A sandbox root with an agent's converger on it, and a clock."""

    def __init__(self, parts: Parts, root: Path, fleet: Fleet) -> None:
        root.mkdir()
        self.parts, self.root, self.fleet, self.clock = parts, root, fleet, SetClock()
        machine = Machine(open_host(root), Executor(root, parts.folder / "backups", parts.blobs.read))
        self.converger = Converger(parts.store, parts.spool, parts.desired, machine, self.clock, lambda: None)

    async def at(self, text: str, *resources: PlacedResource, windows: tuple[PlacedWindow, ...] = (FREEZE,)) -> Report:
        """One run at that time."""
        self.clock.set(text)
        bundle: Bundle = self.fleet.bundle(*resources).model_copy(update={"windows": windows})
        manifest = Manifest(device=self.fleet.device, serial=1, revision="a" * 40, bundle="0" * 64, issued_at=0,
                            expires_at=1)
        return await self.converger.once(Accepted(manifest, bundle), "interval")

    def reports(self) -> int:
        return sum(item.kind == "report" for item in self.parts.spool.batch(1000, 1 << 24))


@pytest.fixture
def box(parts: Parts, tmp_path: Path, fleet: Fleet) -> Box:
    return Box(parts, tmp_path / "root", fleet)


def a_file(content: str = "hello\n", name: str = "motd") -> PlacedResource:
    return PlacedResource(id=name, kind="file", spec={"path": f"/etc/{name}", "content": content})


async def test_nothing_is_changed_while_it_is_open_and_all_of_it_when_it_closes(box: Box) -> None:
    blocked = await box.at(DURING, a_file())
    again = await box.at(DURING, a_file())
    there = (box.root / "etc/motd").exists()
    after = await box.at(AFTER, a_file())

    assert not there
    assert [(one.outcome, one.change) for one in blocked.resources] == [
        (ResourceOutcome.drifted, Change.suppressed)]
    assert blocked.resources[0].message == "waits for the end of maintenance window freeze"
    assert (blocked.blocked, blocked.converged, again.converged) == (("freeze",), False, False)
    assert (box.root / "etc/motd").read_text() == "hello\n"
    assert (after.blocked, after.converged, after.resources[0].change) == ((), True, Change.intentional)
    assert box.reports() == 2               # the second look was no news


async def test_before_it_opens_everything_goes_on(box: Box) -> None:
    report = await box.at(BEFORE, a_file())

    assert report.converged
    assert report.blocked == ()


async def test_drift_is_told_and_put_right_later(box: Box) -> None:
    await box.at(BEFORE, a_file())
    (box.root / "etc/motd").write_text("edited by hand\n")
    blocked = await box.at(DURING, a_file())
    kept = (box.root / "etc/motd").read_text()
    after = await box.at(AFTER, a_file())

    assert (kept, blocked.resources[0].change) == ("edited by hand\n", Change.suppressed)
    assert after.resources[0].change is Change.corrective


async def test_a_device_that_is_as_it_should_be_says_that_a_window_is_open(box: Box) -> None:
    await box.at(BEFORE, a_file())
    during = await box.at(DURING, a_file())

    assert (during.converged, during.blocked) == (True, ("freeze",))
    assert during.blocked_until == int(datetime(2027, 1, 2, 23, tzinfo=UTC).timestamp() * 1000)
    said = dict(look(box.parts.folder, box.parts.identity.trusted).lines())
    assert said["blocked"] == "nothing is changed until 2027-01-02T23:00:00Z: maintenance window freeze"


async def test_a_clock_that_is_set_is_believed_at_once(box: Box) -> None:
    windows = Windows([FREEZE], box.clock)
    said = []
    for text in (DURING, BEFORE, DURING, AFTER, DURING):
        box.clock.set(text)
        said.append(windows.open() is not None)

    assert said == [True, False, True, False, True]


async def test_a_window_of_a_newer_language_stops_no_device_for_ever(box: Box) -> None:
    strange = PlacedWindow(id="strange", cron="every full moon", duration=60, zone="Mars/Olympus")
    report = await box.at(DURING, a_file(), windows=(strange,))

    assert report.converged


async def test_the_loop_wakes_when_the_window_closes_and_not_at_its_next_interval(
    parts: Parts, tmp_path: Path, fleet: Fleet
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    now = parts.clock.now()
    opened = datetime.fromtimestamp(now / 1000, UTC).replace(second=0, microsecond=0)
    length = int(now / 1000 - opened.timestamp()) + 3               # closes in two to three seconds
    window = PlacedWindow(id="now", start=opened.strftime("%Y-%m-%dT%H:%M"), duration=length, zone="UTC")
    bundle = fleet.bundle(a_file(), converge=3600).model_copy(update={"windows": (window,)})
    parts.desired.current = Accepted(fleet.publish(bundle), bundle)
    machine = Machine(open_host(root), Executor(root, parts.folder / "backups", parts.blobs.read))
    changed = asyncio.Event()
    running = asyncio.create_task(
        Converger(parts.store, parts.spool, parts.desired, machine, parts.clock, changed.set).run())
    await asyncio.wait_for(changed.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (root / "etc/motd").exists()
    assert parts.clock.now() >= int(opened.timestamp() * 1000) + length * 1000


def test_an_agent_of_language_four_reads_a_bundle_with_windows(fleet: Fleet) -> None:
    bundle = fleet.bundle(a_file()).model_copy(update={"windows": (FREEZE,)})
    document = orjson.loads(bundle.to_bytes())
    del document["windows"]

    assert Bundle.model_validate(document) == fleet.bundle(a_file())
