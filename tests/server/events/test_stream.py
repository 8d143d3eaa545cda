"""The stream: in its order, nothing missed and nothing twice, whoever writes at the same time."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime

from sqlalchemy import Engine, create_engine, select

from guru_policy.errors import Conflict
from guru_policy.event_types import PREFIX, TYPES
from guru_server.audit.log import record
from guru_server.events.deeds import BY_ACTION
from guru_server.events.noting import MOST_DATA, Happening, note
from guru_server.events.numbering import forget, number
from guru_server.events.tables import event
from guru_server.store.binding import bind
from guru_server.store.database import Database
from guru_server.store.postgres import psycopg_url
from guru_server.store.schema import TENANT
from tests.conftest import Cluster
from tests.server.conftest import Api
from tests.server.events.conftest import T, happen, happening, stream, subjects, types


async def test_events_come_in_their_order_and_a_cursor_continues_after_them(api: Api) -> None:
    start = (await stream(api.http)).cursor
    await api.db.write(happening("a", "b", "c"))
    await api.db.write(happening("d"))

    first = await stream(api.http, after=start, limit=3)
    second = await stream(api.http, after=first.cursor)

    assert (subjects(first), first.more) == (["a", "b", "c"], True)
    assert (subjects(second), second.more) == (["d"], False)
    assert subjects(await stream(api.http, after=second.cursor)) == []
    assert [int(one.sequence) for one in (*first.items, *second.items)] == list(
        range(int(start) + 1, int(start) + 5))


async def test_an_event_is_a_cloudevent_with_its_tenant_in_the_source(api: Api) -> None:
    device = await api.device("web1")
    await api.db.write(lambda connection: note(connection, TENANT, T, [
        Happening("device.online", f"device:{device}", {"said": "a\x1b[31mb"}, device=device)]))

    answer = await api.http.get("/events", params={"type": "device.online"})
    one = answer.json()["items"][0]

    assert one == {
        "specversion": "1.0", "id": one["id"], "source": f"/gururmm/{TENANT}", "type": "dev.gururmm.device.online",
        "subject": f"device:{device}", "time": "2023-11-14T22:13:20.000Z", "datacontenttype": "application/json",
        "sequence": one["sequence"], "customer": "acme", "site": "hq", "device": device,
        "data": {"name": "web1", "said": "a [31mb"},
    }
    assert datetime.fromisoformat(one["time"]).timestamp() * 1000 == T


async def test_an_event_is_gone_with_the_change_that_failed(api: Api) -> None:
    start = (await stream(api.http)).cursor

    def change(connection: object) -> None:
        happen(connection, "never")     # type: ignore[arg-type]
        raise Conflict("it did not happen")

    try:
        await api.db.write(change)
    except Conflict:
        await api.db.write(happening("did"))

    assert subjects(await stream(api.http, after=start)) == ["did"]


async def test_a_row_of_the_audit_log_is_an_event_without_what_only_the_log_tells(db: Database) -> None:
    def write(connection: object) -> list[tuple[str, str]]:
        record(connection, T, "person:ada", "UserLocked", "person:tom", "left", rule="org/r", address="203.0.113.7")  # type: ignore[arg-type]
        record(connection, T, "person:ada", "Denied", "x")   # type: ignore[arg-type]
        rows = connection.execute(select(event.c.type, event.c.data)).all()     # type: ignore[attr-defined]
        return [(row.type, row.data) for row in rows]

    assert await db.write(write) == [
        ("user.locked", '{"actor": "person:ada", "object": "person:tom", "result": "left"}')]
    assert set(BY_ACTION.values()) <= TYPES.keys()


async def test_a_request_that_waits_is_answered_when_something_happens(api: Api) -> None:
    start = (await stream(api.http, after="newest")).cursor
    waiting = asyncio.create_task(stream(api.http, after=start, wait=25))
    await asyncio.sleep(0)
    began = time.monotonic()
    await api.db.write(happening("now"))

    assert subjects(await waiting) == ["now"]
    assert time.monotonic() - began < 20


async def test_only_types_and_devices_that_were_asked_for_come(api: Api) -> None:
    web, mail = await api.device("web1"), await api.device("mail1")
    start = (await stream(api.http, after="newest")).cursor
    await api.db.write(lambda connection: note(connection, TENANT, T, [
        Happening("device.online", "1", {}, device=web), Happening("device.offline", "2", {}, device=mail),
        Happening("session.signed_in", "3", {}), Happening("alert.fired", "4", {}, device=web),
    ]))

    assert types(await stream(api.http, after=start, type="device.*,session.signed_in")) == [
        "device.online", "device.offline", "session.signed_in"]
    assert subjects(await stream(api.http, after=start, selector="name=web1")) == ["1", "4"]
    assert types(await stream(api.http, after=start, type=f"{PREFIX}alert.*")) == ["alert.fired"]
    wrong = await api.http.get("/events", params={"type": "device.onlin"})
    assert (wrong.status_code, "device.online" in wrong.json()["hint"]) == (400, True)


async def test_a_cursor_that_is_none_is_refused_and_one_that_is_too_old_says_so(api: Api) -> None:
    for at in range(4):
        await api.db.write(happening(f"e{at}", now=T + at))
    newest = int((await stream(api.http)).cursor)
    gone = await api.db.write(lambda connection: forget(connection, TENANT, T, rows=2))

    after = await stream(api.http, after=0)
    assert gone == newest - 2
    assert (subjects(after), after.forgotten) == (["e2", "e3"], True)
    assert not (await stream(api.http, after=newest - 2)).forgotten
    for cursor in (str(newest + 1), "x", "-1"):
        assert (await api.http.get("/events", params={"after": cursor})).status_code == 400


async def test_events_older_than_a_time_go_and_since_begins_at_a_time(api: Api) -> None:
    await stream(api.http)
    for at in range(5):
        await api.db.write(happening(f"e{at}", now=T + 1000 * at))

    assert subjects(await stream(api.http, since=T + 3000)) == ["e3", "e4"]
    assert subjects(await stream(api.http, since=T + 9000)) == []
    await api.db.write(lambda connection: forget(connection, TENANT, T + 2000, rows=1000))
    assert subjects(await stream(api.http, type="device.labelled")) == ["e2", "e3", "e4"]


async def test_an_event_is_bounded_whatever_it_tells(db: Database) -> None:
    huge = {f"k{at}": "x" * 5000 for at in range(100)}

    def write(connection: object) -> str:
        note(connection, TENANT, T, [Happening("device.online", "s" * 900, {"list": ["y" * 900] * 50, "a": "b"}),  # type: ignore[arg-type]
                                     Happening("device.online", "s", huge)])    # type: ignore[arg-type]
        return str([(row.subject, row.data) for row in connection.execute(select(event).order_by(event.c.id))])     # type: ignore[attr-defined]

    told = await db.write(write)
    assert len(told) < 2 * MOST_DATA
    assert '{"a": "b"}' in told


def test_a_transaction_that_ends_late_stands_after_what_was_read_already(postgres: Cluster) -> None:
    url = postgres.fresh()
    engine = create_engine(psycopg_url(url))
    with engine.connect() as slow, engine.connect() as quick, engine.connect() as looker:
        for one, name, now in ((slow, "slow", T), (quick, "quick", T + 1)):
            bind(one, TENANT)
            happen(one, name, now=now)
        quick.commit()
        bind(looker, TENANT)
        assert number(looker, TENANT) == 1
        looker.commit()
        slow.commit()
        bind(looker, TENANT)
        assert number(looker, TENANT) == 1
        looker.commit()
        bind(looker, TENANT)
        rows = looker.execute(select(event.c.subject).order_by(event.c.seq)).scalars().all()
    engine.dispose()
    postgres.drop(url)

    assert rows == ["quick", "slow"]


def test_of_many_writers_and_numberers_at_once_every_event_has_one_place(postgres: Cluster) -> None:
    url = postgres.fresh()
    engine = create_engine(psycopg_url(url), pool_size=8)
    writers = [threading.Thread(target=_write, args=(engine, name)) for name in "abc"]
    over = threading.Event()
    numberers = [threading.Thread(target=_number, args=(engine, over)) for _ in range(2)]
    for one in (*writers, *numberers):
        one.start()
    seen: list[int] = []
    while len(seen) < 90 and any(one.is_alive() for one in numberers):
        with engine.connect() as connection:
            bind(connection, TENANT)
            query = select(event.c.seq).where(event.c.seq > (seen[-1] if seen else 0)).order_by(event.c.seq)
            seen += connection.execute(query).scalars().all()
    over.set()
    for one in (*writers, *numberers):
        one.join(30)
    engine.dispose()
    postgres.drop(url)

    assert seen == list(range(1, 91)), "whoever follows a cursor has seen every number in turn"


def _write(engine: Engine, name: str) -> None:
    for at in range(30):
        with engine.begin() as connection:
            bind(connection, TENANT)
            happen(connection, f"{name}{at}")


def _number(engine: Engine, over: threading.Event) -> None:
    until = time.monotonic() + 60
    while not over.is_set() and time.monotonic() < until:
        with engine.begin() as connection:
            bind(connection, TENANT)
            number(connection, TENANT)
