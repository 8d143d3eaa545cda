"""Checks, heartbeats and facts: what is looked at, and what of it is news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from guru_agent.sampling.checks import CheckRunner
from guru_agent.sampling.heartbeat import Heartbeat, layout_hash
from guru_agent.sampling.inventory import Inventory
from guru_agent.sampling.verdicts import RESEND, Verdicts
from guru_agent.state.spool import Spool
from guru_policy.bundle import PlacedCheck
from guru_policy.fake_host import FakeHost
from guru_policy.verdict import State, Verdict
from guru_wire.uplink import Checks, ServiceState
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, LinkServer, until


def bodies(parts: Parts, kind: str) -> list:
    return [orjson.loads(item.body) for item in parts.spool.batch(1000, 1 << 24) if item.kind == kind]


def states(parts: Parts) -> list[tuple[str, str]]:
    found = [Checks.model_validate(body).results[0] for body in bodies(parts, "checks")]
    return [(one.check, one.verdict.state.value) for one in found]


class Late:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.set_by = 0                 # ms

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> int:
        return int(self.seconds * 1000) + self.set_by


def test_a_verdict_is_told_when_it_changes_and_every_quarter_of_an_hour(parts: Parts) -> None:
    clock = Late()
    verdicts = Verdicts(parts.store, parts.spool, clock)  # type: ignore[arg-type]
    for state in (State.ok, State.ok, State.critical, State.critical):
        verdicts.found("disk", "d", Verdict(state=state))
        clock.seconds += 60
    assert states(parts) == [("disk", "ok"), ("disk", "critical")]
    parts.spool.acknowledge(1000)
    clock.seconds += RESEND
    verdicts.found("disk", "d", Verdict(state=State.critical))

    assert bodies(parts, "checks")[0]["results"][0]["since"] == 1_120_000


def test_a_restart_does_not_change_since_when_a_check_fails(parts: Parts) -> None:
    clock = Late()
    Verdicts(parts.store, parts.spool, clock).found("disk", "d", Verdict(state=State.critical))  # type: ignore[arg-type]
    parts.spool.acknowledge(1)
    clock.seconds += 5000
    Verdicts(parts.store, parts.spool, clock).found("disk", "d", Verdict(state=State.critical))  # type: ignore[arg-type]

    assert bodies(parts, "checks")[0]["results"][0]["since"] == 1_000_000


def test_a_clock_that_was_set_does_not_make_a_check_fail_for_longer_than_it_does(parts: Parts) -> None:
    clock = Late()
    verdicts = Verdicts(parts.store, parts.spool, clock)  # type: ignore[arg-type]
    verdicts.found("disk", "d", Verdict(state=State.critical))
    parts.spool.acknowledge(1)
    clock.seconds += RESEND
    clock.set_by = 50 * 365 * 86_400_000
    verdicts.found("disk", "d", Verdict(state=State.critical))

    result = bodies(parts, "checks")[0]["results"][0]
    assert result["at"] - result["since"] == RESEND * 1000


@pytest.fixture
async def running(parts: Parts, fleet: Fleet, server: LinkServer) -> AsyncIterator[FakeHost]:
    """The accepted checks, run on a fake host without jitter."""
    checks = (
        PlacedCheck(id="mem", kind="memory", every=1, spec={}),
        PlacedCheck(id="gone", kind="script", every=1, spec={"command": ["/no/such"]}),
        PlacedCheck(id="alien", kind="hologram", every=1, spec={}),
    )
    host = FakeHost()
    fleet.publish(fleet.bundle(checks=checks))
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
    verdicts = Verdicts(parts.store, parts.spool, parts.clock)
    runner = CheckRunner(parts.desired, host, verdicts, parts.clock, jitter=lambda low, high: 0.0)
    task = asyncio.create_task(runner.run())
    yield host
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_cannot_be_looked_at_is_unknown_and_stops_no_other(parts: Parts, running: FakeHost) -> None:
    await until(lambda: len(states(parts)) == 3)

    assert sorted(states(parts)) == [("alien", "unknown"), ("gone", "unknown"), ("mem", "ok")]


async def test_a_check_runs_again_on_its_interval(parts: Parts, running: FakeHost) -> None:
    await until(lambda: len(states(parts)) == 3)
    running.ram = running.ram.__class__(total=8 << 30, free=1 << 20)
    await until(lambda: ("mem", "critical") in states(parts))

    assert states(parts).count(("alien", "unknown")) == 1


async def test_names_of_metrics_go_up_once_for_each_spool(parts: Parts, tmp_path: Path) -> None:
    async def read() -> dict[str, float | None]:
        return {"b": 2.0, "a": float("nan")}

    for _ in range(2):
        heartbeat = Heartbeat(parts.store, parts.spool, parts.desired, parts.clock, read)
        await heartbeat.beat()
        await heartbeat.beat()
    assert bodies(parts, "layout") == [{"hash": layout_hash(("a", "b")), "metrics": ["a", "b"]}]
    assert [body[2] for body in bodies(parts, "sample")] == [[None, 2.0]] * 4
    parts.spool.renew()
    await heartbeat.beat()

    assert len(bodies(parts, "sample")) == 5
    assert Spool(parts.store).id == parts.spool.id
    assert parts.spool.batch(1000, 1 << 20)[-2].kind == "layout"


async def test_facts_are_told_when_they_changed(parts: Parts) -> None:
    facts = {"os": "linux", "evil": "a\x1b[31mb"}

    async def gather() -> dict[str, str]:
        return dict(facts)

    async def services() -> list[ServiceState]:
        return [ServiceState(name="nginx", running=True)]

    inventory = Inventory(parts.spool, parts.desired, parts.clock, gather, services)
    await inventory.gather()
    first = parts.spool.last
    await inventory.gather()
    assert parts.spool.last == first
    facts["os"] = "plan9"
    await inventory.gather()

    assert [body["facts"]["os"] for body in bodies(parts, "facts")] == ["plan9"]
    assert bodies(parts, "facts")[0]["facts"]["evil"] == "a [31mb"
