"""A job beyond the signer's brake: it is made, says why it waits, and begins once a second person said so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from guru_server.clock import SetClock
from guru_server.jobs import coordinating
from guru_server.keys.keys import ServerKeys
from guru_server.signer.asking import Signatures, SignerAway
from guru_server.signer.brake import Brake
from guru_server.signer.near import FREE, near
from guru_server.store.database import Database
from tests.server.conftest import Api, wired
from tests.server.jobs.conftest import Office

FAR = FREE * 1000                       # the time by the clock of a signer in this process


@pytest.fixture
def brake() -> Brake:
    return Brake(None, {"commands": 2, "states": FREE})


@pytest.fixture
async def office(
    db: Database, tmp_path: Path, server_keys: ServerKeys, brake: Brake, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setattr(coordinating, "HELD", 0.0)
    keys = replace(server_keys, signer=near(brake=brake))
    api: Api
    async with wired(db, tmp_path, keys, SetClock()) as api:
        yield Office(api, keys)


async def test_a_job_beyond_the_brake_waits_says_why_and_begins_after_a_release(office: Office, brake: Brake) -> None:
    devices = await office.devices("pc1", "pc2", "pc3")
    made = await office.order(selector="@acme")
    assert await office.give(*devices) == []
    await office.look()
    held = await office.get(f"/jobs/{made['id']}")
    brake.release("commands", 1, FAR + 1000, "patch day", 0, FAR)
    await office.look()
    given = await office.give(*devices)

    assert "signing is held: orders for 3 devices" in held["held"]
    assert {run["state"] for run in held["runs"]} == {"queued"}
    assert {words.device for words in given} == set(devices)
    assert (await office.get(f"/jobs/{made['id']}"))["held"] == ""


async def test_waves_before_the_brake_run_and_the_next_one_waits(office: Office) -> None:
    devices = await office.devices("pc1", "pc2", "pc3")
    made = await office.order(selector="@acme", batch={"size": "2"})
    begun = await office.give(*devices)
    for words in begun:
        await office.say(words.device, job=made["id"], state="succeeded", exit_code=0)
    for _ in range(3):
        await office.look()
        office.api.clock.forward(1000)
    detail = await office.get(f"/jobs/{made['id']}")

    assert len(begun) == 2
    assert "signing is held" in detail["held"]
    assert sorted(run["state"] for run in detail["runs"]) == ["queued", "succeeded", "succeeded"]


async def test_a_held_job_can_be_cancelled(office: Office) -> None:
    await office.devices("pc1", "pc2", "pc3")
    made = await office.order(selector="@acme")
    await office.api.http.post(f"/jobs/{made['id']}/cancel")
    await office.look()
    detail = await office.get(f"/jobs/{made['id']}")

    assert {run["state"] for run in detail["runs"]} == {"cancelled"}
    assert detail["held"] == ""


async def test_while_nobody_signs_a_wave_waits_and_other_jobs_go_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one, two] = await office.devices("pc1", "pc2")
    waved = await office.order(selector="@acme", batch={"size": "1"})
    [begun] = await office.give(one, two)
    await office.say(begun.device, job=waved["id"], state="succeeded", exit_code=0)
    ending = await office.order(selector="name=pc2", expires=60)

    def away(*_: object, **__: object) -> object:
        raise SignerAway("it is away")

    monkeypatch.setattr(Signatures, "ask", away)
    office.api.clock.forward(61_000)
    for _ in range(3):
        await office.look()
        office.api.clock.forward(1000)
    refused = await office.api.http.post("/jobs", json={"selector": "@acme", "argv": ["true"], "max_devices": 9})

    assert {run["state"] for run in (await office.get(f"/jobs/{ending['id']}"))["runs"]} == {"expired"}
    assert sorted(run["state"] for run in (await office.get(f"/jobs/{waved['id']}"))["runs"]) == ["queued", "succeeded"]
    assert refused.status_code == 503
