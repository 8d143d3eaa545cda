"""What devices tell of scheduled runs is kept, bounded and audited, and told to whoever may see these devices."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import select

from guru_policy.errors import InputInvalid
from guru_policy.fleet import Fleet
from guru_policy.inventory import Place
from guru_server.audit.tables import audit
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.gateway.items import Received
from guru_server.jobs import delivering
from guru_server.jobs.recording import RunRecorder
from guru_server.leases import Lease
from guru_server.reconcile.tables import customer_source
from guru_server.retention import Retention
from guru_server.schedules import reading, recording, summing
from guru_server.setting_parts import RetentionSettings
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.running import OfSchedule, Output, Run
from tests.policy.writing import fleet as fleet_of
from tests.policy.writing import written
from tests.server.conftest import Api

DUE = 1_690_000_000_000
JOB, OTHER = "1" * 32, "2" * 32


async def say(api: Api, device: str, job: str = JOB, *, name: str = "nightly", due: int = DUE, **said: Any) -> None:
    """What a device says of a run of its schedule."""
    body = Run(job=job, schedule=OfSchedule(name=name, template="clean", due=due), **said).model_dump(mode="json")
    recorder = RunRecorder(api.clock)
    await api.db.write(lambda connection: recorder.runs(connection, [Received(TENANT, device, 1, body)]))


async def runs(api: Api, **query: object) -> list[dict[str, Any]]:
    answer = await api.http.get("/schedules/runs", params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def audited(api: Api, action: str = "ScheduledRunEnded") -> list[str]:
    rows = await api.db.read(lambda connection: connection.execute(
        select(audit.c.result).where(audit.c.action == action)).scalars().all())
    return [str(row) for row in rows]


async def test_a_run_is_kept_with_what_it_printed_and_its_first_end_is_final(api: Api) -> None:
    web = await api.device("web1")
    rest = (Output(job=JOB, stream="out", offset=0, data=base64.b64encode(b"x" * 900).decode()),)
    await say(api, web, state="running", started_at=DUE)
    assert [one["state"] for one in await runs(api)] == ["running"]
    await say(api, web, state="failed", exit_code=3, out=900, rest=rest, started_at=DUE, reason="a\x1bb")
    await say(api, web, state="succeeded", exit_code=0)

    [found] = await runs(api)
    assert (found["name"], found["schedule"], found["template"], found["due"]) == ("web1", "nightly", "clean", DUE)
    assert (found["state"], found["exit_code"], found["printed"]) == ("failed", 3, 900)
    assert "\x1b" not in found["reason"]
    assert len(found["out"]) == reading.SHORT
    assert (await runs(api, full=True))[0]["out"] == "x" * 900
    assert await audited(api) == ["failed, exit code 3, a b"]


async def test_ends_are_counted_by_schedule_and_hour_once_that_is_over_and_failures_are_told_singly(api: Api) -> None:
    devices = [await api.device(f"web{number}") for number in range(4)]
    hour = DUE // summing.HOUR * summing.HOUR
    for number, device in enumerate(devices[:3]):
        await say(api, device, f"{number:032x}", due=hour + number, state="succeeded")
    await say(api, devices[3], due=hour, state="expired")
    await say(api, devices[3], OTHER, due=hour, state="timed_out")
    early = await api.db.write(lambda connection: summing.sum_up(connection, hour + 2 * summing.HOUR - 1))
    fence = await Lease(api.db, "retention", "me").acquire()
    assert fence is not None
    work = Retention(api.db, LocalBus(), SetClock(hour + 2 * summing.HOUR), RetentionSettings())
    await work.round(fence)
    await work.round(fence)

    assert early == 0
    assert await audited(api) == ["timed_out"]
    [row] = await audited(api, "ScheduledRunsEnded")
    assert row.partition(" UTC: ")[2] == "1 expired, 3 succeeded"


async def test_a_run_that_is_under_way_is_ended_and_its_device_told_until_it_says_so(api: Api) -> None:
    web = await api.device("web1")
    await say(api, web, state="running", started_at=DUE)
    done = await api.http.post(f"/schedules/runs/{JOB[:8]}/cancel")
    words = [await told(api, web, again) for again in (False, True)]
    await say(api, web, state="cancelled")
    over = await api.http.post(f"/schedules/runs/{JOB}/cancel")

    assert (done.status_code, done.json()["name"], done.json()["schedule"]) == (200, "web1", "nightly")
    assert [[json.loads(one)["t"] for one in some] for some in words] == [["cancel"], ["cancel"]]
    assert json.loads(json.loads(words[0][0])["cancel"]["payload"])["job"] == JOB
    assert (over.status_code, await told(api, web, True)) == (409, [])
    assert (await api.http.post("/schedules/runs/ffff/cancel")).status_code == 404


async def told(api: Api, device: str, again: bool) -> list[str]:
    """The frames that the device is given."""
    if not await api.db.read(lambda connection: delivering.waited_for(connection, [device])):
        return []
    words = await api.db.write(lambda connection: delivering.orders_of(connection, [device], again, api.clock()))
    return [frame for one in words for frame in one.frames]


async def test_runs_come_newest_first_of_devices_that_match_and_one_schedule(api: Api) -> None:
    web, db = await api.device("web1"), await api.device("db1", Place("birch", "hq"))
    await say(api, web, state="succeeded")
    await say(api, web, OTHER, due=DUE + 1, state="expired", name="weekly")
    await say(api, db, due=DUE + 2, state="succeeded")

    assert [(one["name"], one["due"] - DUE) for one in await runs(api)] == [("db1", 2), ("web1", 1), ("web1", 0)]
    assert [one["name"] for one in await runs(api, selector="customer=birch")] == ["db1"]
    assert [one["due"] - DUE for one in await runs(api, schedule="weekly")] == [1]
    assert len(await runs(api, limit=1)) == 1


async def test_a_device_cannot_fill_the_database_nor_speak_for_another(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_RUNS", 3)
    web, db = await api.device("web1"), await api.device("db1")
    await say(api, db, state="failed")
    for number in range(6):
        await say(api, web, f"{number:032x}", due=DUE + number, state="succeeded")
    await say(api, web, state="succeeded", due=DUE + 9)         # the same name for a run as the other's

    assert [one["due"] - DUE for one in await runs(api, selector="name=web1")] == [9, 5, 4]
    assert [one["state"] for one in await runs(api) if one["name"] == "db1"] == ["failed"]


async def test_output_that_is_not_base64_is_refused(api: Api) -> None:
    web = await api.device("web1")
    rest = (Output(job=JOB, stream="out", offset=0, data="?"),)

    with pytest.raises(InputInvalid):
        await say(api, web, state="succeeded", rest=rest)


async def test_a_run_of_a_schedule_ends_no_job_of_that_id(api: Api) -> None:
    web = await api.device("web1")
    made = (await api.http.post("/jobs", json={"argv": ["true"], "selector": "name=web1", "max_devices": 5})).json()
    await say(api, web, made["job"]["id"], state="succeeded")
    shown = (await api.http.get(f"/jobs/{made['job']['id']}")).json()

    assert [one["state"] for one in shown["runs"]] == ["queued"]


async def test_old_runs_are_forgotten(api: Api) -> None:
    web = await api.device("web1")
    await say(api, web, state="succeeded")
    now = api.clock()
    kept = await api.db.write(lambda connection: recording.forget_runs(connection, now))
    gone = await api.db.write(lambda connection: recording.forget_runs(connection, now + 1))

    assert (kept, gone, await runs(api)) == (0, 1, [])


async def test_the_schedules_in_force_are_listed_with_where_they_stand(db: Database) -> None:
    files = {
        "org/clean.yaml": written("CommandTemplate", "clean", "{shell: sh, script: x}"),
        "org/nightly.yaml": written("Schedule", "nightly", "{cron: 30 2 * * *, jitter: 10m, template: clean}"),
        "customers/acme/own.yaml": written("Schedule", "own", "{cron: 0 4 * * *, template: clean, missed: once}"),
    }
    found, revision = fleet_of(files), "a" * 40

    async def load(revisions: object) -> dict[str, Fleet]:
        return {revision: found}

    columns = {column.name for column in customer_source.c if not column.nullable}
    blank = {name: 0 for name in columns if str(customer_source.c[name].type) in ("BIGINT", "INTEGER")}
    await db.write(lambda connection: connection.execute(customer_source.insert().values(**{
        **dict.fromkeys(columns, ""), **blank, "tenant": TENANT, "customer": "acme", "org_revision": revision,
        "customer_revision": revision})))
    rows = [reading.row(item, there) for item, there in await reading.in_force(db, load)]

    assert [(one.name, one.scope, one.cron, one.jitter, one.missed) for one in rows if one is not None] == [
        ("nightly", "org", "30 2 * * *", 600, "skip"), ("own", "customers/acme", "0 4 * * *", 0, "once")]
