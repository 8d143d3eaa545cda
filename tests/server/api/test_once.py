"""POST with an Idempotency-Key: carried out once, whatever is lost; answered the same to the same actor only."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

import pytest
from sqlalchemy import Connection, func, select

from guru_server.identity.tables import enrolment_token
from guru_server.replays import sealing, store
from guru_server.replays.store import Asked
from guru_server.replays.tables import kept_answer
from guru_server.store.schema import TENANT
from tests.server.rights.conftest import Office

KEY = {"Idempotency-Key": "3c1b8f2e-7a54-4f0e-9d0c-51f5f3a0b6d1"}
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)   # the others need both databases
PLACE = {"customer": "acme", "site": "hq"}


async def made(office: Office) -> int:
    """How many enrolment tokens there are."""
    query = select(func.count()).select_from(enrolment_token)
    return await office.world.db.read(lambda connection: connection.execute(query).scalar_one())


async def test_the_same_request_with_the_same_key_is_carried_out_once(office: Office) -> None:
    first = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    again = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    assert (first.status_code, again.status_code, await made(office)) == (201, 201, 1)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


@ON_ONE
async def test_another_body_with_the_same_key_is_refused(office: Office) -> None:
    await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    other = await office.http.post("/enrolment-tokens", json={**PLACE, "uses": 7}, headers=KEY)

    assert (other.status_code, other.json()["title"], await made(office)) == (422, "KeyReused", 1)


@ON_ONE
async def test_a_key_is_good_for_a_day(office: Office) -> None:
    await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    office.world.clock.forward(store.DAY)
    await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    assert await made(office) == 2


@ON_ONE
async def test_a_key_of_somebody_else_is_another_key(office: Office) -> None:
    await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    other = await office.token("eve", "admin")
    answer = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY | other)

    assert "idempotency-replayed" not in answer.headers
    assert await made(office) == 2


async def test_of_many_at_once_one_is_carried_out(office: Office) -> None:
    answers = await asyncio.gather(*(
        office.http.post("/enrolment-tokens", json=PLACE, headers=KEY) for _ in range(8)
    ))

    assert await made(office) == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert all(one.headers["retry-after"] == "1" for one in answers if one.status_code == 409)


async def test_a_deed_whose_process_died_before_the_answer_was_kept_is_not_done_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "sealed", killed)
    with pytest.raises(KeyboardInterrupt):
        await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    monkeypatch.undo()
    soon = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)
    office.world.clock.forward(store.PATIENCE)
    later = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    assert [(one.status_code, one.json()["title"]) for one in (soon, later)] == [
        (409, "StillRunning"), (409, "AnswerLost"),
    ]
    assert await made(office) == 1


async def test_a_request_whose_process_died_before_the_deed_is_taken_up_again(office: Office) -> None:
    db, clock = office.world.db, office.world.clock
    body = office.http.build_request("POST", "/enrolment-tokens", json=PLACE, headers=KEY)
    asked = Asked(TENANT, "person:root", sealing.digest_of(KEY["Idempotency-Key"]), _digest(body.read()))
    await db.write(partial(store.begin, asked=asked, attempt="dead", now=clock()))
    soon = await office.http.send(body)
    clock.forward(store.PATIENCE)
    later = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    assert (soon.status_code, later.status_code, await made(office)) == (409, 201, 1)
    with pytest.raises(store.StillRunning):         # were it alive after all, its own deed would be undone
        await db.write(partial(store.mark_done, asked=asked, attempt="dead"))


@ON_ONE
async def test_what_failed_may_be_tried_again_with_the_same_key(office: Office) -> None:
    wrong = await office.http.post("/enrolment-tokens", json={"customer": "nobody", "site": "hq"}, headers=KEY)
    right = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    assert (wrong.status_code, right.status_code) == (400, 201)


@ON_ONE
async def test_an_answer_at_rest_is_not_to_be_read_without_the_key(office: Office) -> None:
    answer = await office.http.post("/enrolment-tokens", json=PLACE, headers=KEY)

    def rows(connection: Connection) -> str:
        return str(connection.execute(select(kept_answer)).all())

    kept = await office.world.db.read(rows)
    assert "kept" in kept
    assert answer.json()["token"] not in kept
    assert KEY["Idempotency-Key"] not in kept


@ON_ONE
@pytest.mark.parametrize("key", ["short", "x" * 129, "with a space in it, long"])
async def test_a_key_that_is_none_is_told(office: Office, key: str) -> None:
    answer = await office.http.post("/enrolment-tokens", json=PLACE, headers={"Idempotency-Key": key})

    assert (answer.status_code, await made(office)) == (400, 0)


@ON_ONE
async def test_nobody_fills_the_table(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    answers = [
        await office.http.post("/enrolment-tokens", json=PLACE, headers={"Idempotency-Key": f"{number:016}"})
        for number in range(3)
    ]

    assert [one.status_code for one in answers] == [201, 201, 429]


def _digest(body: bytes) -> str:
    return hashlib.sha256(b"POST /api/v1/enrolment-tokens?\n" + body).hexdigest()


