"""The key of orders is replaced while orders wait: devices that were away get one that they accept, once."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Untrusted
from guru_server.clock import SetClock
from guru_server.jobs import coordinating
from guru_server.jobs.delivering import Words
from guru_server.keys.keys import ServerKeys
from guru_server.signer.brake import Brake
from guru_server.signer.near import FREE, near
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.link import Cancel, Order
from guru_wire.orders import Order as Signed
from guru_wire.orders import Proof, open_authority, open_cancel, open_order
from guru_wire.signing import public_bytes
from tests.server.conftest import wired
from tests.server.jobs.conftest import Office

FAR = FREE * 1000                       # the time by the clock of a signer in this process
Opened = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def state_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def opened(
    db: Database, tmp_path: Path, server_keys: ServerKeys, state_key: Ed25519PrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> Opened:
    """A server that starts on the same database with a command key that nobody knew; times go on."""
    monkeypatch.setattr(coordinating, "HELD", 0.0)
    clock = SetClock()

    @asynccontextmanager
    async def start(brake: Brake | None = None) -> AsyncIterator[Office]:
        keys = replace(server_keys, signer=near(state_key, brake=brake))
        clock.now += 1
        async with wired(db, tmp_path, keys, clock) as api:
            yield Office(api, keys)

    return start


def told(words: Sequence[Words]) -> list[Order | Cancel]:
    frames = [json.loads(frame) for one in words for frame in one.frames]
    return [Order.model_validate(one) if one["t"] == "order" else Cancel.model_validate(one) for one in frames]


def accepted(message: Order | Cancel, device: str, state_key: Ed25519PrivateKey, now: int) -> Signed | str:
    """What a device makes of it: its order, or the job that it is to end."""
    authority = open_authority(message.authority, state_key=public_bytes(state_key), now=now)
    key = base64.b64decode(authority.key)
    if isinstance(message, Cancel):
        return open_cancel(message.cancel, key=key).job
    return open_order(message.order, Proof(message.nonce, message.place, message.path), key=key, device=device, now=now)


async def test_what_waits_for_devices_that_were_away_is_signed_again_and_says_what_it_said(
    opened: Opened, state_key: Ed25519PrivateKey
) -> None:
    async with opened() as office:
        away, lost = await office.devices("pc1", "pc2", linked=False)
        made = await office.order(selector="@acme")
        [before] = told(await office.give(lost))            # it never arrived
    async with opened() as office:
        with office.api.bus.subscribe("orders-anew") as anew:
            await office.look()
            heard = await anext(anew)
        now = office.api.clock()
        orders = {one.device: told([one]) for one in await office.give(away, lost, again=True)}
        log = (await office.get("/audit?limit=5"))["items"]
    first = accepted(before, lost, state_key, now)
    again = [accepted(orders[one][0], one, state_key, now) for one in (away, lost)]

    assert isinstance(first, Signed)
    assert heard == {away, lost}
    assert all(isinstance(one, Signed) and one.model_copy(update={"root": first.root}) == first for one in again)
    assert first.job == made["id"]
    assert ("OrdersSignedAgain", f"job:{made['id']}") in {(row["action"], row["object"]) for row in log}
    with pytest.raises(Untrusted):      # the order of before, beside the authority of today
        accepted(before.model_copy(update={"authority": orders[lost][0].authority}), lost, state_key, now)


async def test_a_cancellation_that_its_device_has_not_heard_is_signed_again(
    opened: Opened, state_key: Ed25519PrivateKey
) -> None:
    async with opened() as office:
        [device] = await office.devices("pc1")
        made = await office.order(selector="@acme")
        await office.give(device)
        await office.say(device, job=made["id"], state="running", at=office.api.clock())
        await office.api.http.post(f"/jobs/{made['id']}/cancel")
    async with opened() as office:
        await office.look()
        [word] = told(await office.give(device, again=True))

    assert accepted(word, device, state_key, office.api.clock()) == made["id"]


@pytest.mark.parametrize("vouched", [False, True], ids=["by the look", "by an order between"])
async def test_devices_with_a_new_state_key_that_refuse_what_they_were_sent_are_told_again(
    db: Database, tmp_path: Path, server_keys: ServerKeys, state_key: Ed25519PrivateKey, vouched: bool
) -> None:
    command, clock = Ed25519PrivateKey.generate(), SetClock()
    keys = replace(server_keys, signer=near(command=command))
    async with wired(db, tmp_path, keys, clock) as api:
        office = Office(api, keys)
        [device] = await office.devices("pc1", linked=False)
        made = await office.order(device="pc1")
    clock.now += 1
    keys = replace(keys, signer=near(state_key, command))
    async with wired(db, tmp_path, keys, clock) as api:
        office = Office(api, keys)
        [early] = told(await office.give(device))               # it links before anybody looked
        if vouched:
            signer = office.coordinator._signer
            await db.write(lambda connection: signer.keep_authority(connection, TENANT, clock()))
        with api.bus.subscribe("orders-anew") as anew:
            await office.look()
            heard = await anext(anew)
            await office.look()
            await api.bus.publish("orders-anew", ["nobody"])
            after = await anext(anew)
        late = told(await office.give(device, again=True))

    with pytest.raises(Untrusted):
        accepted(early, device, state_key, clock())
    order = accepted(late[0], device, state_key, clock())
    assert isinstance(order, Signed)
    assert (order.job, len(late)) == (made["id"], 1)
    assert (heard, after) == ({device}, {"nobody"})


async def test_the_brake_holds_what_is_signed_again_and_nothing_goes_out_until_it_lets_go(opened: Opened) -> None:
    async with opened() as office:
        devices = await office.devices("pc1", "pc2", "pc3", linked=False)
        await office.order(selector="@acme")
    brake = Brake(None, {"commands": 2, "states": FREE})
    async with opened(brake) as office:
        await office.look()
        held = told(await office.give(*devices))
        brake.release("commands", 1, FAR + 1000, "the key was replaced", 0, FAR)
        await office.look()
        given = await office.give(*devices)

    assert held == []
    assert {one.device for one in given} == set(devices)
