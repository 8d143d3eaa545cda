"""A change restarts what reads it: once, after it succeeded, and whoever is killed in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guru_agent.clock import Clock
from guru_agent.converge.retry import Retry
from guru_agent.converge.round import Round
from guru_agent.converge.windows import Windows
from guru_agent.state.journal import Journal
from guru_agent.state.store import open_store
from guru_policy.bundle import AgentSettings, Bundle, PlacedResource, PlacedWindow
from guru_policy.errors import StepFailed
from guru_policy.fake_host import FakeHost
from guru_policy.steps import Step, WriteFile
from guru_wire.uplink import ResourceReport

SHOW = "systemctl show --property="


class Killed(BaseException):
    """The process is gone: nothing catches this."""


FREEZE = PlacedWindow(id="freeze", start="2026-12-30T00:00", duration=3600, zone="UTC")
OPEN = 1_798_588_800_000                # ms: when it opens


class Frozen(Clock):
    """A clock that stands where a test puts it."""

    at = 0

    def now(self) -> int:
        return self.at


class Machine:
    """A FakeHost and whatever carries out steps on it; `before` may kill or fail any step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = Unit()
        self.clock = Frozen()
        self.done: list[str] = []
        self.before: Callable[[Step], None] = lambda step: None
        self.after: Callable[[Step], None] = lambda step: None

    async def execute(self, step: Step) -> None:
        self.before(step)
        self.done.append(str(step))
        if isinstance(step, WriteFile):
            self.host.files[step.path] = step.content or b""
        elif "start" in str(step).split():
            self.host.active = True
        self.after(step)

    async def round(self, content: str = "new", mode: str = "enforce") -> tuple[ResourceReport, ...]:
        """One run of a process that opens its state folder for it."""
        bundle = Bundle(language=1, agent=AgentSettings(), resources=(
            PlacedResource(id="conf", kind="file", spec={"path": "/etc/nginx.conf", "content": content}),
            PlacedResource(
                id="nginx", kind="systemd_unit", mode=mode, after=("conf",),
                spec={"name": "nginx.service", "restartOn": ["conf"]},
            ),
        ))
        store = open_store(self.folder, 1)
        try:
            journal = Journal(store)
            retry = Retry(journal, Clock())
            retry.new_state()
            windows = Windows((FREEZE,), self.clock)
            reports = await Round(bundle, self.host, self, journal, retry, windows).run()
            journal.reported()
            return reports
        finally:
            store.close()

    @property
    def restarts(self) -> int:
        return sum("restart" in line.split() for line in self.done)


class Unit(FakeHost):
    """A FakeHost with one systemd unit."""

    def __init__(self) -> None:
        super().__init__()
        self.active = True

    async def query(self, *argv: str, timeout: float = 30.0) -> str:
        state = "active" if self.active else "inactive"
        return f"ActiveState={state}\nUnitFileState=enabled\nNeedDaemonReload=no"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def is_write(step: Step) -> bool:
    return isinstance(step, WriteFile)


async def test_a_change_restarts_what_reads_it_once(machine: Machine) -> None:
    first = await machine.round()
    second = await machine.round()

    assert machine.restarts == 1
    assert [report.outcome.value for report in first] == ["changed", "changed"]
    assert [report.outcome.value for report in second] == ["same", "same"]


async def test_a_unit_that_is_started_anyway_is_not_restarted_too(machine: Machine) -> None:
    machine.host.active = False
    await machine.round()
    await machine.round()

    assert machine.restarts == 0
    assert machine.host.active


async def test_a_cause_that_failed_restarts_nothing_until_it_succeeded(machine: Machine) -> None:
    def fail(step: Step) -> None:
        if is_write(step):
            raise StepFailed("disk full")

    machine.before = fail
    await machine.round()
    assert machine.restarts == 0
    machine.before = lambda step: None
    await machine.round()

    assert machine.restarts == 1


async def test_a_unit_in_observe_mode_is_left_alone(machine: Machine) -> None:
    await machine.round(mode="observe")
    await machine.round()

    assert machine.restarts == 0


@pytest.mark.fault
@pytest.mark.parametrize("moment", ["before the write", "after the write", "before the restart"])
async def test_whoever_is_killed_the_restart_comes_exactly_once(machine: Machine, moment: str) -> None:
    def kill(step: Step) -> None:
        if is_write(step) == moment.endswith("write"):
            raise Killed

    if moment.startswith("before"):
        machine.before = kill
    else:
        machine.after = kill
    with pytest.raises(Killed):
        await machine.round()
    machine.before = machine.after = lambda step: None
    reports = await machine.round()
    await machine.round()

    assert machine.restarts == 1
    assert [report.outcome.value for report in reports] == ["changed", "changed"]


@pytest.mark.fault
async def test_a_change_that_was_killed_before_its_report_is_still_told(machine: Machine) -> None:
    def kill(step: Step) -> None:
        if is_write(step):
            raise Killed

    machine.after = kill
    with pytest.raises(Killed):
        await machine.round()
    machine.after = lambda step: None
    reports = await machine.round()

    assert machine.done.count("write /etc/nginx.conf") == 1
    assert reports[0].outcome.value == "changed"
    assert reports[0].change == "intentional"
    assert reports[0].steps == ("write /etc/nginx.conf",)


async def test_a_window_that_opens_in_the_middle_stops_what_was_not_begun_and_its_trigger_waits(
    machine: Machine
) -> None:
    machine.after = lambda step: setattr(machine.clock, "at", OPEN) if is_write(step) else None
    during = await machine.round()
    still = await machine.round()
    before = machine.restarts
    machine.clock.at = OPEN + 3_600_000
    after = await machine.round()

    assert [report.outcome.value for report in during] == ["changed", "drifted"]
    assert [report.outcome.value for report in still] == ["same", "drifted"]
    assert before == 0
    assert machine.restarts == 1
    assert [report.outcome.value for report in after] == ["same", "changed"]
