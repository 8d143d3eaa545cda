"""What is told when: devices that come and go, alerts, jobs, commits; and who sees it."""

from __future__ import annotations

import itertools

from sqlalchemy import Connection

from guru_server.events.noting import Happening, note
from guru_server.events.presence import Presence
from guru_server.fleet.state import Signs, online
from guru_server.fleet.tables import device_state
from guru_server.leases import Fence, Lease
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from tests.server.conftest import Api
from tests.server.events.conftest import stream, types
from tests.server.jobs.conftest import Office as Jobs
from tests.server.jobs.conftest import office as jobs_office
from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, BOLT, Office, office, world

__all__ = ["jobs_office", "office", "world"]


async def fenced(db: Database, name: str) -> Fence:
    fence = await Lease(db, name, "test").acquire()
    assert fence is not None
    return fence


async def state(api: Api, device: str, **values: object) -> None:
    change = device_state.update().where(device_state.c.device == device).values(**values)
    await api.db.write(lambda connection: connection.execute(change).rowcount)


async def test_a_device_that_comes_and_goes_is_told_once_each(api: Api) -> None:
    device = await api.device("web1")
    watch, fence = Presence(api.db, TENANT, api.clock), await fenced(api.db, "events")
    start = (await stream(api.http, after="newest")).cursor
    assert await watch.look(fence) == 0
    await state(api, device, last_seen=api.clock(), connected="g", heartbeat=60)
    assert [await watch.look(fence) for _ in range(2)] == [1, 0]
    api.clock.forward(170_000)
    assert await watch.look(fence) == 0
    api.clock.forward(20_000)
    assert [await watch.look(fence) for _ in range(2)] == [1, 0]

    assert types(await stream(api.http, after=start)) == ["device.online", "device.offline"]


async def test_events_and_lists_agree_on_who_is_online(api: Api) -> None:
    now = api.clock()
    cases = list(itertools.product((None, 0, 89_000, 91_000, 170_000, 190_000), (None, "g"), (10, 60)))
    expected = set()
    for at, (ago, linked, heartbeat) in enumerate(cases):
        device = await api.device(f"d{at}")
        seen = None if ago is None else now - ago
        await state(api, device, last_seen=seen, connected=linked, heartbeat=heartbeat)
        if online(Signs(seen, linked, heartbeat, 0, 0, None, None), now):
            expected.add(device)
    await Presence(api.db, TENANT, api.clock).look(await fenced(api.db, "events"))

    told = await stream(api.http, type="device.online", limit=1000)
    assert {one.device for one in told.items} == expected
    assert 0 < len(expected) < len(cases)


async def test_a_job_is_told_from_its_beginning_to_its_end(jobs_office: Jobs) -> None:
    office = jobs_office
    one, two = await office.devices("web1", "web2")
    start = (await stream(office.api.http, after="newest")).cursor
    job = await office.order(selector="name=web*", batch={"size": "1"})
    await office.give(one, two)
    runs = (await office.get(f"/jobs/{job['id']}"))["runs"]
    first, second = sorted((run["device"] for run in runs), key=[run["device"] for run in runs].index)
    await office.say(first, job=job["id"], state="succeeded", started_at=1, finished_at=2, duration=1, exit_code=0)
    for _ in range(3):
        await office.look()
    await office.give(first, second)
    for device in (first, second):
        await office.say(device, job=job["id"], state="succeeded", started_at=1, finished_at=2, duration=1, exit_code=0)
    for _ in range(3):
        await office.look()

    told = await stream(office.api.http, after=start, type="job.*")
    assert types(told) == ["job.created", "job.wave", "job.finished"]
    assert told.items[0].data["devices"] == 2
    assert told.items[2].data["runs"] == {"succeeded": 2}


async def test_a_technician_of_one_customer_sees_nothing_of_another(office: Office) -> None:
    def write(connection: Connection) -> None:
        note(connection, TENANT, office.world.clock(), [
            Happening("device.online", "mine", {}, device=ident(ACME)),
            Happening("device.online", "theirs", {}, device=ident(BOLT)),
            Happening("revision.held", "customer:acme", {"reason": "a"}, customer="acme"),
            Happening("revision.held", "customer:bolt", {"reason": "b"}, customer="bolt"),
            Happening("session.signed_in", "person:root", {"actor": "person:root"}),
            Happening("maintenance.started", "maintenance:1", {"object": "@bolt"}),
        ])

    start = (await stream(office.http, after="newest")).cursor
    await office.world.db.write(write)
    everything = await stream(office.http, after=start)
    office.http.headers.update(await office.token("ada"))
    told = await stream(office.http, after=start)

    assert [one.subject for one in told.items] == ["mine", "customer:acme"]
    assert len(everything.items) == 6
    assert told.cursor == (await stream(office.http, after=told.cursor)).cursor


async def test_of_a_commit_others_see_that_it_happened_and_not_its_words(office: Office) -> None:
    start = (await stream(office.http, after="newest")).cursor
    await office.push({"org/note.txt": "x"}, "Bolt pays too little")
    whole = await stream(office.http, after=start, type="revision.*")
    office.http.headers.update(await office.token("ada"))
    told = await stream(office.http, after=start, type="revision.*")

    assert types(whole) == types(told) == ["revision.published"]
    assert "result" in whole.items[0].data
    assert set(told.items[0].data) == {"object", "revision"}


async def test_who_may_see_no_device_at_all_has_no_stream(office: Office) -> None:
    office.http.headers.update(await office.token("nobody"))

    assert (await office.http.get("/events")).status_code == 403
