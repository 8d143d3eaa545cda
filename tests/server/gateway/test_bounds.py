"""What a link may not do: big frames, deep JSON, floods, silence. Each ends that link and no other."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets

import pytest
from sqlalchemy import Connection
from websockets.exceptions import ConnectionClosed

from guru_policy.errors import Unreachable
from guru_server.clock import wall
from guru_server.gateway.items import Recorder
from guru_server.gateway.limits import Bucket, Budget, Budgets, Limits
from guru_server.telemetry.layouts import hash_of
from guru_wire.link import MAX_FRAME
from tests.server.gateway.conftest import LITTLE, Frame, Site, flooded, hear, say
from tests.server.gateway.test_link import LAYOUT, layout, rows, sample


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"t":"batch","items":"' + "x" * MAX_FRAME + '"}', 1009),
        ('{"t":' * 100_000 + "1" + "}" * 100_000, 4008),
        ("[" * 50_000 + "]" * 50_000, 4008),
        ("[]", 4008),
        ("null", 4008),
        ("{", 4008),
        ('{"t":"reboot"}', 4008),
        ('{"t":"fetch","digest":["a"]}', 4008),
        ('{"t":"fetch","digest":"a","offset":-1}', 4008),
        ('{"t":"batch","items":{}}', 4008),
        ('{"t":"batch","items":[1]}', 4008),
        ('{"t":"batch","items":[' + ",".join(['{"seq":1,"kind":"sample"}'] * 2001) + "]}", 4008),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_frame_against_the_rules_ends_its_link_only(site: Site, frame: str, code: int) -> None:
    bad, good = await site.enrol(), await site.enrol()
    broken, _ = await site.link(bad)
    healthy, _ = await site.link(good)

    await broken.send(frame)
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(broken.recv(), 10)
    await say(healthy, {"t": "batch", "items": [layout(1)]})

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    assert await hear(healthy) == {"t": "ack", "seq": 1}
    await healthy.close()


async def test_a_flood_of_messages_ends_the_link(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)

    async def flood() -> None:
        while True:
            await say(socket, {"t": "batch", "items": []})

    with pytest.raises(ConnectionClosed) as closed:
        await flood()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4008


class TestFlood:
    """Of a link that takes little, so that it is one at any pace."""

    @pytest.fixture
    def limits(self) -> Limits:
        return LITTLE

    async def test_fetches_of_what_nobody_named_end_the_link(self, site: Site) -> None:
        socket, _ = await site.link(await site.enrol())

        code, answers = await flooded(socket, {"t": "fetch", "digest": "0" * 64})

        assert code == 4008
        assert answers >= 10


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(burst=3, rate=2.0, now=10.0)

    taken = [bucket.take(now) for now in (10.0, 10.0, 10.0, 10.0, 10.4, 10.5, 10.6, 99.0)]

    assert taken == [True, True, True, False, False, True, False, True]


def test_a_week_offline_is_taken_at_once_and_a_flood_waits() -> None:
    budget = Budget(Limits(), now=0.0)
    for _ in range(21):                 # batches of 480 heartbeats with checks: eight hours each
        budget.spend(1_200, 480 * 2_500)
    after_a_week = budget.debt(1.0)
    for _ in range(100):
        budget.spend(2_000, 1 << 20)

    assert after_a_week == 0
    assert budget.debt(2.0) > 3_600


def test_a_budget_is_paid_back_by_the_hour() -> None:
    limits = Limits(items_burst=10, items_hourly=60, bytes_burst=100, bytes_hourly=3_600)
    budget = Budget(limits, now=0.0)
    budget.spend(11, 130)

    assert [round(budget.debt(now)) for now in (0.0, 20.0, 60.0)] == [60, 40, 0]
    assert not budget.full(60.0)
    assert budget.full(3_600.0)


def test_only_budgets_that_were_spent_are_kept() -> None:
    budgets = Budgets(Limits())
    mine = budgets.of("mine", 0.0)
    mine.spend(60_000, 0)
    for number in range(10_000):
        budgets.of(f"device {number}", 0.0)

    assert budgets.of("mine", 1.0) is mine
    assert len(budgets._spent) < 10


class TestBudget:
    """A device that sends more than it may."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(refusal=0.0, items_burst=3, items_hourly=1, slower=0.1)

    async def test_a_device_that_spent_its_budget_is_sent_away_on_every_link(self, site: Site) -> None:
        agent, other = await site.enrol(), await site.enrol()
        now = wall()
        codes = []
        first, _ = await site.link(agent)
        await say(first, {"t": "batch", "items": [layout(1), *(sample(n, now + n, 1.0, 2.0) for n in range(2, 6))]})
        stored = await hear(first)
        for again in (False, True):
            socket = (await site.link(agent))[0] if again else first
            with contextlib.suppress(ConnectionClosed):
                await say(socket, {"t": "batch", "items": [sample(6, now + 9, 1.0, 2.0)]})
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 10)
            codes.append(closed.value.rcvd and closed.value.rcvd.code)
        healthy, _ = await site.link(other)
        await say(healthy, {"t": "batch", "items": [layout(1)]})

        assert stored == {"t": "ack", "seq": 5}
        assert codes == [4029, 4029]
        assert await hear(healthy) == {"t": "ack", "seq": 1}
        await healthy.close()


class TestSilence:
    """A stranger that says nothing."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(handshake=0.3, refusal=0.0, strangers=2)

    async def test_a_stranger_that_says_nothing_is_sent_away(self, site: Site) -> None:
        socket, _ = await site.dial()

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 10)

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "the handshake took too long"

    async def test_strangers_are_few_and_make_room_again(self, site: Site) -> None:
        agent = await site.enrol()
        held = [await site.dial() for _ in range(2)]

        with pytest.raises(Exception, match="403"):
            await site.dial()
        for socket, _ in held:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
        linked, welcome = await site.link(agent)

        assert welcome["t"] == "welcome"
        await linked.close()


class TestGreed:
    """One address that opens links and never says who it is."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(handshake=20.0, strangers=4)

    async def test_one_address_cannot_use_up_the_room_for_strangers(self, site: Site) -> None:
        held = [await site.dial() for _ in range(3)]

        with pytest.raises(Exception, match="403"):
            await site.dial()
        other, challenge = await site.dial("127.0.0.2")

        assert challenge["t"] == "challenge"
        for socket in (other, *(one for one, _ in held)):
            await socket.close()


async def test_a_link_cut_in_the_middle_of_a_frame_stores_nothing_of_it(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    raw = socket.transport.get_extra_info("socket")
    start = bytes([0x81, 0xFE, 0x10, 0x00, 1, 2, 3, 4]) + b"half of a frame"

    socket.transport.write(start)
    await asyncio.sleep(0.05)
    raw.shutdown(sockets.SHUT_RDWR)
    again, welcome = await site.link(agent)

    assert welcome["mark"] == 0
    assert await rows(site, "SELECT count(*) FROM ingest_mark") == [(0,)]
    await again.close()


async def test_a_frozen_peer_is_replaced_by_its_next_link(site: Site) -> None:
    agent = await site.enrol()
    frozen, _ = await site.link(agent)
    digest = await site.publish(agent, bytes(1 << 20))
    frozen.transport.pause_reading()
    for _ in range(60):
        await say(frozen, {"t": "fetch", "digest": digest})

    fresh, _ = await site.link(agent)
    await say(fresh, {"t": "batch", "items": [layout(1)]})

    assert await hear(fresh) == {"t": "ack", "seq": 1}
    await fresh.close()
    frozen.transport.abort()


class TestPoison:
    """Recorders that fail for some items."""

    @pytest.fixture
    def extra_recorders(self) -> dict[str, Recorder]:
        self.away = 2

        def report(connection: Connection, items: object) -> dict[str, set[str]]:
            if self.away:
                self.away -= 1
                raise Unreachable("the database does not answer")
            raise ValueError(f"cannot store \x1b[31m{type(items).__name__}")

        return {"refusal": report}

    async def test_an_item_that_no_recorder_can_store_blocks_nobody(self, site: Site) -> None:
        bad, good = await site.enrol(), await site.enrol()
        one, _ = await site.link(bad)
        other, _ = await site.link(good)
        now = wall()
        poison: Frame = {"seq": 2, "kind": "refusal", "body": {"at": 1, "code": "G0495", "message": "no"}}

        await say(one, {"t": "batch", "items": [layout(1), poison, sample(3, now, 1.0, 2.0)]})
        await say(other, {"t": "batch", "items": [layout(1), sample(2, now, 3.0, 4.0)]})
        acks = [await hear(other)]
        while acks[-1] != {"t": "ack", "seq": 3}:
            acks.append(await hear(one))

        assert acks[0]["t"] == "ack"
        assert await rows(site, "SELECT device, kind, count, reason FROM refused_item") == [
            (bad.id, "refusal", 1, "ValueError: cannot store  [31mlist")
        ]
        assert len(await rows(site, f"SELECT ts FROM sample_head WHERE ts = {now}")) == 2
        await one.close()
        await other.close()


async def test_a_device_with_too_many_layouts_is_refused_the_rest(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    items = [
        {"seq": n, "kind": "layout", "body": {"hash": hash_of((f"m{n}",)), "metrics": [f"m{n}"]}}
        for n in range(1, 104)
    ]

    await say(socket, {"t": "batch", "items": items})
    seen: Frame = {}
    while seen.get("seq") != 103:
        seen = await hear(socket)

    assert await rows(site, "SELECT count(*) FROM layout") == [(100,)]
    assert await rows(site, "SELECT kind, count FROM refused_item") == [("layout", 3)]
    assert LAYOUT not in str(seen)
    await socket.close()
