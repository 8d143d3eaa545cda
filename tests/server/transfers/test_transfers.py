"""Transfers on the server: filled in order by their maker or by one device, whole or failed, forgotten soon."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select

from guru_policy.errors import InputInvalid, Refused
from guru_server.audit.tables import audit
from guru_server.identity import people
from guru_server.transfers import forgetting, store
from guru_server.transfers.carrying import GONE, Carrying
from guru_server.transfers.digesting import Digests
from guru_server.transfers.store import HOUR, Bounds
from guru_server.transfers.tables import transfer, transfer_chunk, transfer_use
from guru_wire.chunks import ChunkEnd, ChunkGet, ChunkGot, ChunkHere, ChunkNo, ChunkPut, Question, Reply
from guru_wire.orders import Command
from guru_wire.transfers import CHUNK, Transfer
from tests.server.conftest import Api
from tests.server.jobs.conftest import Office, office
from tests.server.rights.conftest import Office as Rights
from tests.server.rights.conftest import binding, role, world
from tests.server.rights.conftest import office as rights_office

__all__ = ["office", "rights_office", "world"]

CONTENT = b"a" * CHUNK + b"b" * CHUNK + b"the rest"
PIECES = [CONTENT[at : at + CHUNK] for at in range(0, len(CONTENT), CHUNK)]
BOUNDS = Bounds(1 << 30, 4 << 30)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def begin(http: httpx.AsyncClient, data: bytes | None = CONTENT, **more: Any) -> str:
    """POST /transfers; the new one's id."""
    body = {} if data is None else {"size": len(data), "sha256": digest(data)}
    answer = await http.post("/transfers", json={**body, **more})
    assert answer.status_code == 201, answer.text
    return Transfer.model_validate(answer.json()).id


async def fill(http: httpx.AsyncClient, name: str, number: int, data: bytes) -> int:
    """PUT a chunk; the status."""
    return (await http.put(f"/transfers/{name}/chunks/{number}", content=data)).status_code


async def filled(http: httpx.AsyncClient) -> str:
    name = await begin(http)
    assert [await fill(http, name, number, data) for number, data in enumerate(PIECES)] == [204] * len(PIECES)
    return name


async def told(http: httpx.AsyncClient, name: str) -> Transfer:
    return Transfer.model_validate((await http.get(f"/transfers/{name}")).json())


def change(name: str, path: str = "/srv/a", **more: Any) -> dict[str, Any]:
    return {"change": {"op": "put", "path": path, "sha256": digest(CONTENT), "transfer": name, **more}, "argv": []}


class Carried:
    """A device that asks about chunks of one run."""

    def __init__(self, office: Office, device: str, run: str, bounds: Bounds = BOUNDS) -> None:
        self._carrying = Carrying(office.api.db, office.api.clock, Digests(office.api.db), bounds)
        self._device, self._run = device, run

    async def ask(self, question: Question) -> Reply:
        return await self._carrying.answer(self._device, question)

    async def get(self, name: str, number: int) -> Reply:
        return await self.ask(ChunkGet(run=self._run, transfer=name, number=number))

    async def put(self, name: str, number: int, data: bytes) -> Reply:
        text = base64.b64encode(data).decode()
        return await self.ask(ChunkPut(run=self._run, transfer=name, number=number, data=text))

    async def end(self, name: str, data: bytes) -> Reply:
        return await self.ask(ChunkEnd(run=self._run, transfer=name, size=len(data), sha256=digest(data)))


def no(reply: Reply) -> str:
    assert isinstance(reply, ChunkNo)
    return reply.reason


async def rows(api: Api) -> list[int]:
    """How many transfers, chunks and uses there are."""
    def count(connection: Connection) -> list[int]:
        return [connection.execute(select(func.count()).select_from(one)).scalar_one()
                for one in (transfer, transfer_chunk, transfer_use)]

    return await api.db.read(count)


async def forget(api: Api) -> None:
    while await api.db.write(partial(forgetting.forget, now=api.clock())):
        pass


async def audited(api: Api) -> list[tuple[str, str]]:
    def read(connection: Connection) -> list[tuple[str, str]]:
        query = select(audit.c.action, audit.c.result).where(audit.c.action.like("Transfer%")).order_by(audit.c.seq)
        return [(row.action, row.result) for row in connection.execute(query)]

    return await api.db.read(read)


async def test_a_transfer_is_filled_in_order_compared_and_read_again(api: Api) -> None:
    http, name = api.http, await begin(api.http)
    early = await fill(http, name, 1, PIECES[1])
    first = [await fill(http, name, 0, data) for data in (PIECES[0], PIECES[0], b"x" * CHUNK)]
    half = await told(http, name)
    absent = (await http.get(f"/transfers/{name}/chunks/1")).status_code
    rest = [await fill(http, name, number, PIECES[number]) for number in (1, 2)]
    after = [await fill(http, name, 2, PIECES[2]), await fill(http, name, 3, b"more")]
    read = [await http.get(f"/transfers/{name}/chunks/{number}") for number in range(3)]
    whole = await told(http, name)

    assert (early, first, absent, rest, after) == (409, [204, 204, 409], 404, [204, 204], [204, 409])
    assert (half.chunks, half.state, whole.chunks, whole.state) == (1, "filling", 3, "whole")
    assert b"".join(one.content for one in read) == CONTENT
    assert read[0].headers["content-type"] == "application/octet-stream"
    assert [action for action, _ in await audited(api)] == ["TransferMade", "TransferEnded"]
    assert (await audited(api))[1][1] == f"whole: {len(CONTENT)} bytes, sha256 {digest(CONTENT)}"


async def test_what_has_another_digest_than_was_told_fails_and_goes_with_the_next_round(api: Api) -> None:
    name = await begin(api.http, sha256=digest(b"else"))
    statuses = [await fill(api.http, name, number, data) for number, data in enumerate(PIECES)]
    last = await api.http.put(f"/transfers/{name}/chunks/2", content=PIECES[2])
    state = (await told(api.http, name)).state
    used = await api.http.post("/jobs", json={"device": await api.device("web1"), **change(name)})
    await forget(api)

    assert (statuses, last.status_code, last.json()["title"], state) == ([204, 204, 422], 422, "Altered", "failed")
    assert used.status_code == 409
    assert await rows(api) == [0, 0, 0]
    assert (await audited(api))[1][1].startswith("failed: ")


@pytest.mark.parametrize("body", [
    {"size": 5}, {"sha256": "0" * 64}, {"size": -1, "sha256": "0" * 64}, {"size": 0, "sha256": "0" * 64},
    {"size": (1 << 30) + 1, "sha256": "0" * 64}, {"size": 5, "sha256": "x"}, {"size": 17 << 30, "sha256": "0" * 64},
])
async def test_what_is_no_transfer_is_refused(api: Api, body: dict[str, object]) -> None:
    assert (await api.http.post("/transfers", json=body)).status_code == 400
    assert await rows(api) == [0, 0, 0]


async def test_a_chunk_is_taken_from_the_large_budget_of_reads(api: Api) -> None:
    answer = await api.http.put(f"/transfers/{await begin(api.http)}/chunks/0", content=PIECES[0])

    assert (answer.status_code, answer.headers["ratelimit"].partition(";")[0]) == (204, '"reads"')


@pytest.mark.parametrize("data", [b"", b"short", b"x" * (CHUNK + 1)])
async def test_a_chunk_of_another_size_is_refused(api: Api, data: bytes) -> None:
    name = await begin(api.http)

    assert await fill(api.http, name, 0, data) == 400
    assert (await told(api.http, name)).chunks == 0


async def test_an_empty_file_is_whole_at_once(api: Api) -> None:
    assert (await told(api.http, await begin(api.http, b""))).state == "whole"


async def test_nobody_else_finds_a_transfer_not_even_an_admin(api: Api) -> None:
    name = await filled(api.http)
    other = {"authorization": f"Bearer {await api.db.write(partial(people_made, now=api.clock()))}"}
    asked = [
        await api.http.request(method, f"/transfers/{name}{path}", headers=other, content=b"x")
        for method, path in (("GET", ""), ("GET", "/chunks/0"), ("PUT", "/chunks/0"), ("DELETE", ""))
    ]
    job = {"device": await api.device("web1"), **change(name)}
    ordered = await api.http.post("/jobs", json=job, headers=other)

    assert [one.status_code for one in (*asked, ordered)] == [404] * 5
    assert (await told(api.http, name)).state == "whole"


def people_made(connection: Connection, now: int) -> str:
    return people.create(connection, "main", "other", "admin", now=now, ttl=None, actor="test")


async def test_whose_role_allows_no_file_makes_none_and_one_path_is_enough(rights_office: Rights) -> None:
    await rights_office.push({
        "org/writer.yaml": role("writer", "    site: {verbs: [file.put], paths: ['/srv/**']}"),
        "org/wim.yaml": binding("wim", "user:wim", "writer", "customers/acme"),
        "org/runner.yaml": role("runner", "    run: {verbs: [device.read, command.run]}"),
        "org/ron.yaml": binding("ron", "user:ron", "runner", "customers/acme"),
    })

    async def make(who: Mapping[str, str], body: dict[str, object]) -> int:
        return (await rights_office.http.post("/transfers", json=body, headers=dict(who))).status_code

    mine = {"size": 5, "sha256": "0" * 64}
    wim, ron = await rights_office.token("wim"), await rights_office.token("ron")

    assert [await make(wim, mine), await make(wim, {}), await make(ron, mine), await make(ron, {})] == [
        201, 403, 403, 403]


async def test_a_tenant_has_so_many_bytes_under_way_and_what_is_dropped_makes_room(api: Api) -> None:
    def make(connection: Connection, name: str, size: int | None) -> None:
        new = Transfer(id=name * 32, size=size, sha256="", chunks=0, state="filling", expires_at=0)
        store.make(connection, new, "person:ada", Bounds(60 << 20, 100 << 20), 1)

    await api.db.write(partial(make, name="a", size=60 << 20))
    with pytest.raises(Refused, match="no room"):
        await api.db.write(partial(make, name="b", size=60 << 20))
    with pytest.raises(InputInvalid, match="up to 62,914,560 bytes"):
        await api.db.write(partial(make, name="b", size=61 << 20))
    await api.db.write(partial(forgetting.leave, name="a" * 32))
    await forget(api)
    await api.db.write(partial(make, name="b", size=60 << 20))

    assert (await rows(api))[0] == 1


async def test_a_transfer_is_dropped_with_all_that_it_holds(api: Api) -> None:
    name = await filled(api.http)

    assert (await api.http.delete(f"/transfers/{name}")).status_code == 204
    assert await rows(api) == [0, 0, 0]
    assert (await api.http.get(f"/transfers/{name}")).status_code == 404


async def test_one_that_nobody_uses_for_an_hour_is_forgotten_unless_an_open_job_names_it(office: Office) -> None:
    api = office.api
    (web1,) = await office.devices("web1")
    idle, named = await filled(api.http), await filled(api.http)
    api.clock.forward(50 * 60_000)
    assert (await api.http.get(f"/transfers/{idle}/chunks/0")).status_code == 200
    api.clock.forward(20 * 60_000)
    job = await office.order(device="web1", expires=7200, **change(named))
    await forget(api)
    used = await rows(api)
    api.clock.forward(HOUR + 1)
    await forget(api)
    waiting = [(await api.http.get(f"/transfers/{name}")).status_code for name in (idle, named)]
    await office.say(web1, job=job["id"], state="succeeded", exit_code=0)
    await office.look()
    await forget(api)

    assert (used, waiting) == ([2, 6, 1], [404, 200])
    assert await rows(api) == [0, 0, 0]


async def test_a_whole_transfer_goes_in_one_order_to_devices_whose_runs_name_it(office: Office) -> None:
    name = await filled(office.api.http)
    web1, web2, web3 = await office.devices("web1", "web2", "web3")
    job = await office.order(selector="name in (web1,web2)", **change(name, mode="640"))
    command = await office.api.db.read(partial(command_of, job=job["id"]))
    one, other = Carried(office, web1, job["id"]), Carried(office, web3, job["id"])
    got = [await one.get(name, number) for number in range(4)]
    elsewhere = [await other.get(name, 0), await Carried(office, web1, "0" * 32).get(name, 0)]
    written = [await one.put(name, 0, PIECES[0]), await one.end(name, CONTENT)]
    await office.say(web1, job=job["id"], state="succeeded", exit_code=0)
    over = [await one.get(name, 0), await Carried(office, web2, job["id"]).get(name, 2)]

    assert command.change is not None
    assert (command.change.transfer, command.change.size, command.stdin) == (name, len(CONTENT), "")
    assert b"".join(base64.b64decode(part.data) for part in got if isinstance(part, ChunkHere)) == CONTENT
    assert no(got[3]) == "the transfer has no such chunk"
    assert [no(part) for part in (*elsewhere, *written, over[0])] == [GONE] * 5
    assert isinstance(over[1], ChunkHere)


def command_of(connection: Connection, job: str) -> Command:
    from guru_server.jobs.tables import job as jobs

    return Command.model_validate_json(connection.execute(select(jobs.c.command).where(jobs.c.id == job)).scalar_one())


@pytest.mark.parametrize(("body", "status"), [
    ({"stdin": "eA=="}, 400), ({"sha256": digest(b"else")}, 400), ({"transfer": "0" * 32}, 404),
    ({"op": "remove", "sha256": ""}, 400),
])
async def test_an_order_names_what_its_transfer_is(office: Office, body: dict[str, str], status: int) -> None:
    await office.devices("web1")
    wanted = change(await filled(office.api.http))
    wanted["change"] |= {key: value for key, value in body.items() if key != "stdin"}
    answer = await office.api.http.post("/jobs", json={"device": "web1", "stdin": body.get("stdin", ""), **wanted})

    assert answer.status_code == status


async def test_what_is_not_whole_yet_is_ordered_nowhere(office: Office) -> None:
    await office.devices("web1")
    names = [await begin(office.api.http), await begin(office.api.http, None)]
    answers = [await office.api.http.post("/jobs", json={"device": "web1", **change(name)}) for name in names]

    assert [one.status_code for one in answers] == [409, 409]


async def send(office: Office, name: str, device: str = "web1") -> httpx.Response:
    body = {"device": device, "file": {"op": "send", "path": "/var/log/big", "transfer": name}}
    return await office.api.http.post("/jobs", json=body)


async def test_a_device_fills_a_transfer_goes_on_where_it_was_and_its_digest_is_compared(office: Office) -> None:
    web1, web2 = await office.devices("web1", "web2")
    http, name = office.api.http, await begin(office.api.http, None)
    mine = await fill(http, name, 0, PIECES[0])
    made = await send(office, name)
    job = made.json()["job"]["id"]
    device = Carried(office, web1, job)
    first = await device.put(name, 0, PIECES[0])
    again = await Carried(office, web1, job).put(name, 0, PIECES[0])     # by another gateway, or after its restart
    early, other = await device.put(name, 2, PIECES[2]), await device.put(name, 0, b"x" * CHUNK)
    await device.put(name, 1, PIECES[1])
    last = await device.put(name, 2, PIECES[2])
    ended = [await Carried(office, web1, job).end(name, CONTENT), await device.end(name, CONTENT)]
    whole = await told(http, name)
    foreign = [await Carried(office, web2, job).put(name, 3, b"x"), await Carried(office, web2, job).end(name, b"")]

    assert (mine, made.status_code, made.json()["job"]["what"]) == (400, 201, "cp /var/log/big")
    assert first == again == ChunkGot(transfer=name, chunks=1)
    assert "is not the next one" in no(early)
    assert "is another one" in no(other)
    assert last == ChunkGot(transfer=name, chunks=3)
    assert ended == [ChunkGot(transfer=name, chunks=3, whole=True)] * 2
    assert (whole.size, whole.sha256, whole.state) == (len(CONTENT), digest(CONTENT), "whole")
    assert [no(one) for one in foreign] == [GONE, GONE]
    assert (await http.get(f"/transfers/{name}/chunks/2")).content == PIECES[2]


async def test_what_a_device_sends_otherwise_than_it_tells_fails(office: Office) -> None:
    (web1,) = await office.devices("web1")
    name = await begin(office.api.http, None)
    device = Carried(office, web1, (await send(office, name)).json()["job"]["id"])
    await device.put(name, 0, PIECES[0])
    await device.put(name, 1, b"short")
    after_the_last = await device.put(name, 2, b"x")
    ended = await device.end(name, PIECES[0] + b"SHORT")

    assert "only the last one less" in no(after_the_last)
    assert no(ended) == "what arrived is not what the file is now"
    assert (await told(office.api.http, name)).state == "failed"


async def test_a_device_sends_no_more_than_it_may(office: Office) -> None:
    (web1,) = await office.devices("web1")
    name = await begin(office.api.http, None)
    job = (await send(office, name)).json()["job"]["id"]
    large = await Carried(office, web1, job, Bounds(CHUNK - 1, 4 << 30)).put(name, 0, PIECES[0])
    crowded = await Carried(office, web1, job, Bounds(1 << 30, 1 << 20)).put(name, 0, PIECES[0])

    assert ("of up to 262,143 bytes" in no(large), "no room" in no(crowded)) == (True, True)


async def test_one_device_sends_one_transfer(office: Office) -> None:
    await office.devices("web1", "web2")
    name, put = await begin(office.api.http, None), await filled(office.api.http)
    path = {"op": "send", "path": "/a"}
    statuses = [(await send(office, name)).status_code, (await send(office, name)).status_code,
                (await send(office, name, "web2")).status_code, (await send(office, put)).status_code,
                (await office.api.http.post("/jobs", json={"device": "web1", "file": path})).status_code,
                (await office.api.http.post("/jobs", json={"device": "web1", "file": {
                    "op": "read", "path": "/a", "transfer": name}})).status_code]

    assert statuses == [201, 201, 409, 400, 400, 400]


async def test_what_one_device_sent_is_put_on_another_by_who_had_it_sent(office: Office) -> None:
    web1, web2 = await office.devices("web1", "web2")
    http, name = office.api.http, await begin(office.api.http, None)
    job = (await send(office, name)).json()["job"]["id"]
    early = await http.post("/jobs", json={"device": "web2", **change(name)})
    sender = Carried(office, web1, job)
    for number, data in enumerate(PIECES):
        await sender.put(name, number, data)
    await sender.end(name, CONTENT)
    put = await office.order(device="web2", **change(name))
    taker = Carried(office, web2, put["id"])
    got = [await taker.get(name, number) for number in range(3)]
    written = [await taker.put(name, 0, PIECES[0]), await taker.end(name, CONTENT)]
    other = {"authorization": f"Bearer {await office.api.db.write(partial(people_made, now=office.api.clock()))}"}
    foreign = await http.post("/jobs", json={"device": "web2", **change(name)}, headers=other)

    assert (early.status_code, foreign.status_code) == (409, 404)
    assert b"".join(base64.b64decode(part.data) for part in got if isinstance(part, ChunkHere)) == CONTENT
    assert [no(one) for one in written] == [GONE, GONE]
    assert isinstance(await sender.put(name, 0, PIECES[0]), ChunkGot)
