"""Schedules of the bundle run by the device's own clock: once for each time, in its zone, and told even when missed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from guru_agent.host import open_host
from guru_agent.jobs.runner import Jobs
from guru_agent.jobs.scheduling import LOOK, MOST_OUTPUT, Scheduler, jitter_of
from guru_agent.state.desired import Accepted
from guru_agent.state.schedules import Schedules
from guru_policy.bundle import PlacedSchedule
from guru_wire.manifest import Manifest
from guru_wire.running import OfSchedule
from tests.agent.conftest import Parts, enrolled
from tests.agent.link_server import Fleet, until
from tests.agent.test_windows import SetClock


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


class Box:
    """An agent's scheduler with a clock that a test sets; commands really run."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self.parts, self.fleet, self.clock = Parts(folder), fleet, SetClock("2026-05-04T00:00:00")
        self.known = Schedules(self.parts.store)
        parts = self.parts
        self.jobs = Jobs(
            parts.store, parts.spool, self.known, parts.acceptance, parts.refusals, self.clock, open_host(), {},
            schedule=self.known.of,
        )
        self.scheduler = Scheduler(fleet.device, parts.desired, parts.blobs, self.known, self.jobs, self.clock)

    def have(self, *schedules: PlacedSchedule) -> None:
        """The bundle has these from now on."""
        bundle = self.fleet.bundle().model_copy(update={"schedules": schedules})
        manifest = Manifest(device=self.fleet.device, serial=1, revision="a" * 40, bundle="0" * 64, issued_at=0,
                            expires_at=1)
        self.parts.desired.current = Accepted(manifest, bundle)
        self.parts.desired.version += 1

    async def at(self, text: str) -> list[tuple[str, str]]:
        """Look at this time (UTC) and wait for what is under way; the ends so far: state and time it was for."""
        self.clock.set(text)
        self.scheduler.look()
        await until(lambda: not self.jobs._known, 30)
        return self.told()

    def told(self) -> list[tuple[str, str]]:
        return [
            (body["state"], datetime.fromtimestamp(body["schedule"]["due"] / 1000, UTC).strftime("%d %H:%M"))
            for body in self.bodies() if body["state"] != "running"
        ]

    def bodies(self) -> list[dict]:
        return [orjson.loads(item.body) for item in self.parts.spool.batch(1000, 1 << 30) if item.kind == "run"]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.jobs.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path, fleet: Fleet) -> Path:
    enrolled(tmp_path / "state", fleet, "https://127.0.0.1:1")
    return tmp_path / "state"


@pytest.fixture
async def box(folder: Path, fleet: Fleet) -> AsyncIterator[Box]:
    made = Box(folder, fleet)
    async with made.running():
        yield made
    made.parts.store.close()


def nightly(script: str = "true", **more: object) -> PlacedSchedule:
    fields = {"id": "nightly", "cron": "30 2 * * *", "zone": "UTC", "template": "clean", "shell": "sh",
              "script": script, "timeout": 30, "output": 4096, **more}
    return PlacedSchedule.model_validate(fields)


async def test_it_runs_once_at_its_time_and_tells_with_no_server_in_reach(box: Box, tmp_path: Path) -> None:
    box.have(nightly(f"echo $PARAM_WORD; echo x >> {tmp_path}/times", env={"PARAM_WORD": "hello"}))
    assert await box.at("2026-05-04T02:29:59") == []
    assert await box.at("2026-05-04T02:30:00") == [("succeeded", "04 02:30")]
    assert await box.at("2026-05-04T02:30:01") == [("succeeded", "04 02:30")]
    assert await box.at("2026-05-05T02:30:00") == [("succeeded", "04 02:30"), ("succeeded", "05 02:30")]

    body = box.bodies()[0]
    assert (tmp_path / "times").read_text() == "x\nx\n"
    assert body["schedule"] == {"name": "nightly", "template": "clean", "due": ms("2026-05-04T02:30:00")}
    assert base64.b64decode(body["rest"][0]["data"]) == b"hello\n"


async def test_a_schedule_that_is_new_does_not_run_for_times_before(box: Box) -> None:
    box.have(nightly(missed="once"))

    assert await box.at("2026-05-04T02:31:00") == []


async def test_a_schedule_with_other_times_begins_anew(box: Box) -> None:
    box.have(nightly(missed="once"))
    await box.at("2026-05-04T12:00:00")
    box.have(nightly(missed="once", cron="0 11 * * *"))

    assert await box.at("2026-05-04T12:00:01") == []
    assert await box.at("2026-05-05T11:00:00") == [("succeeded", "05 11:00")]


@pytest.mark.parametrize(("missed", "told"), [("skip", "expired"), ("once", "succeeded")])
async def test_times_missed_are_one_run_or_none_and_told_once(missed: str, told: str, box: Box) -> None:
    box.have(nightly(missed=missed))
    await box.at("2026-05-04T00:00:00")

    assert await box.at("2026-05-07T09:00:00") == [(told, "07 02:30")]
    assert await box.at("2026-05-07T09:01:00") == [(told, "07 02:30")]


async def test_the_zone_is_the_devices_and_an_hour_that_comes_twice_counts_once(box: Box) -> None:
    box.have(nightly(zone="Europe/Madrid"))            # 2026-10-25: 03:00 CEST is 02:00 CET; 02:30 comes twice
    await box.at("2026-10-24T12:00:00")

    assert await box.at("2026-10-25T00:30:00") == [("succeeded", "25 00:30")]
    assert await box.at("2026-10-25T01:30:00") == [("succeeded", "25 00:30")]
    assert await box.at("2026-10-26T01:30:00") == [("succeeded", "25 00:30"), ("succeeded", "26 01:30")]


async def test_a_time_that_the_clocks_leave_out_is_the_first_after_it(box: Box) -> None:
    box.have(nightly(zone="Europe/Madrid"))            # 2026-03-29: after 01:59:59 CET comes 03:00 CEST
    await box.at("2026-03-28T12:00:00")

    assert await box.at("2026-03-29T00:59:59") == []
    assert [state for state, _ in await box.at("2026-03-29T01:00:00")] == ["succeeded"]
    assert len(await box.at("2026-03-29T01:30:00")) == 1
    assert [state for state, _ in await box.at("2026-03-30T00:30:00")] == ["succeeded", "succeeded"]


async def test_jitter_is_the_same_every_day_and_another_one_on_another_device(box: Box) -> None:
    schedule = nightly(jitter=3600)
    own, others = jitter_of(box.fleet.device, schedule), {jitter_of(f"{number:032x}", schedule) for number in range(50)}
    box.have(schedule)
    await box.at("2026-05-04T00:00:00")
    box.clock._now = ms("2026-05-04T02:30:00") + own - 1
    box.scheduler.look()
    assert not box.jobs._known
    box.clock._now += 1
    box.scheduler.look()
    await until(lambda: box.told(), 30)

    assert box.told() == [("succeeded", "04 02:30")]
    assert own == jitter_of(box.fleet.device, schedule)
    assert len(others) > 40
    assert 0 <= min(others) <= max(others) <= 3_600_000


async def test_a_clock_that_is_set_back_repeats_nothing_and_one_set_back_by_far_does_not_stop_it(box: Box) -> None:
    box.have(nightly())
    await box.at("2026-05-04T00:00:00")
    await box.at("2026-05-04T02:30:00")
    assert await box.at("2026-05-04T02:00:00") == [("succeeded", "04 02:30")]
    assert await box.at("2026-05-04T02:30:30") == [("succeeded", "04 02:30")]
    await box.at("2030-01-01T02:30:00")
    await box.at("2026-05-05T00:00:00")

    assert (await box.at("2026-05-05T02:30:00"))[-1] == ("succeeded", "05 02:30")


async def test_an_agent_that_was_killed_while_it_ran_says_so_and_does_not_run_that_time_again(
    folder: Path, fleet: Fleet, tmp_path: Path
) -> None:
    before = Box(folder, fleet)
    before.have(nightly(missed="once"))
    before.scheduler.look()
    due = ms("2026-05-04T02:30:00")
    before.known.expect("1" * 32, OfSchedule(name="nightly", template="clean", due=due))
    before.known.begin("1" * 32, due + 1000, due)       # and then the process is gone
    before.parts.store.close()
    after = Box(folder, fleet)
    after.have(nightly(f"touch {tmp_path}/ran", missed="once"))
    async with after.running():
        await until(lambda: after.told(), 30)
        found = await after.at("2026-05-04T02:31:00")
    after.parts.store.close()

    assert found == [("lost", "04 02:30")]
    assert not (tmp_path / "ran").exists()


async def test_one_that_was_decided_and_never_began_runs_after_a_restart(folder: Path, fleet: Fleet) -> None:
    before = Box(folder, fleet)
    before.have(nightly())
    before.scheduler.look()
    before.clock.set("2026-05-04T02:30:00")
    before.scheduler.look()                             # its runner never gets to it
    before.parts.store.close()
    after = Box(folder, fleet)
    after.have(nightly())
    async with after.running():
        found = await after.at("2026-05-04T02:30:10")
    after.parts.store.close()

    assert found == [("succeeded", "04 02:30")]


async def test_a_run_that_is_not_over_is_not_run_beside_itself(box: Box, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    box.have(nightly(f"until test -e {gate}; do sleep 0.05; done", cron="* * * * *"))
    await box.at("2026-05-04T00:00:10")
    for text in ("2026-05-04T00:01:00", "2026-05-04T00:02:00"):
        box.clock.set(text)
        box.scheduler.look()
    gate.touch()
    await until(lambda: not box.jobs._known, 30)

    assert sorted(box.told()) == [("expired", "04 00:02"), ("succeeded", "04 00:01")]


async def test_a_schedule_that_the_device_has_no_more_ends_also_what_runs_of_it(box: Box, tmp_path: Path) -> None:
    box.have(nightly(f"touch {tmp_path}/begun; sleep 600", timeout=900))
    await box.at("2026-05-04T00:00:00")
    box.clock.set("2026-05-04T02:30:00")
    box.scheduler.look()
    await until((tmp_path / "begun").exists, 30)
    box.have()
    box.scheduler.look()
    await until(lambda: not box.jobs._known, 30)

    assert box.told() == [("cancelled", "04 02:30")]


async def test_what_it_prints_is_bounded_and_goes_with_the_end(box: Box) -> None:
    box.have(nightly("yes | head -c 1000000", output=1 << 20))
    await box.at("2026-05-04T00:00:00")
    await box.at("2026-05-04T02:30:00")
    body = box.bodies()[-1]

    assert (body["out"], body["kept"]) == (1_000_000, MOST_OUTPUT)
    assert sum(len(base64.b64decode(one["data"])) for one in body["rest"]) == MOST_OUTPUT
    assert {item.kind for item in box.parts.spool.batch(1000, 1 << 30)} == {"run"}


async def test_a_script_of_a_file_is_read_from_its_blob_and_a_secret_that_is_not_there_stops_it(box: Box) -> None:
    missing = nightly(script=None, digest="0" * 64)
    box.have(missing, nightly(id="keyed", secrets={"PARAM_KEY": "token"}))
    await box.at("2026-05-04T00:00:00")
    await box.at("2026-05-04T02:30:00")

    reasons = {body["schedule"]["name"]: (body["state"], body["reason"]) for body in box.bodies()}
    assert {state for state, _ in reasons.values()} == {"failed"}
    assert "no secret token" in reasons["keyed"][1]


async def test_a_schedule_nobody_can_read_does_not_stop_the_others(box: Box) -> None:
    box.have(nightly(id="strange", zone="Mars/Olympus"), nightly(id="worse", cron="soon"), nightly())
    await box.at("2026-05-04T00:00:00")

    assert await box.at("2026-05-04T02:30:00") == [("succeeded", "04 02:30")]


async def test_it_wakes_when_the_next_time_comes_and_looks_at_the_clock_meanwhile(box: Box) -> None:
    box.have(nightly())
    box.clock.set("2026-05-04T02:29:55")

    assert box.scheduler.look() == 5
    box.clock.set("2026-05-04T00:00:00")
    assert box.scheduler.look() == LOOK
