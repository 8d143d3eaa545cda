"""From verdicts to alerts and notes, on each kind of database."""

from __future__ import annotations

import asyncio
import json

import pytest

from guru_policy.errors import Conflict, InputInvalid
from guru_server.alerts.loop import Alerts
from guru_server.alerts.store import alerts, firing_count, forget_resolved
from guru_server.cursors import Paging, read
from guru_server.leases import Lease
from guru_server.notify import outbox
from guru_server.store.schema import TENANT
from guru_server.telemetry.tables import check_state
from guru_wire.alerting import AlertRow
from tests.server.alerts.conftest import DISK, MINUTE, WEB1, Shop, rule


async def listed(shop: Shop, state: str | None = None) -> tuple[AlertRow, ...]:
    return (await shop.db.read(lambda c: alerts(c, state, 50, Paging("m")))).items


async def events(shop: Shop) -> list[tuple[str, str]]:
    states = await shop.db.read(lambda c: outbox.notes(c, None, 100))
    return sorted((state.note.channel, state.note.event) for state in states)


async def test_a_breach_waits_fires_once_and_ends_once(shop: Shop) -> None:
    await shop.says("critical")
    await shop.sweep()
    assert [row.state for row in await listed(shop)] == ["pending"]
    assert await events(shop) == []

    await shop.sweep(4.9)
    assert [row.state for row in await listed(shop)] == ["pending"]

    await shop.sweep(0.1)
    await shop.sweep(1)
    assert [row.state for row in await listed(shop)] == ["firing"]
    assert await events(shop) == [("noc", "firing")]

    await shop.says("ok")
    await shop.sweep(1)
    await shop.sweep(1)
    assert [row.state for row in await listed(shop, "resolved")] == ["resolved"]
    assert await events(shop) == [("noc", "firing"), ("noc", "resolved")]


async def test_a_note_tells_all_that_a_person_needs(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()

    (state,) = await shop.db.read(lambda c: outbox.notes(c, "waiting", 10))
    told = json.loads(state.note.payload)
    assert told["event"] == "firing"
    assert told["severity"] == "high"
    assert told["summary"] == "web1: 97.5 % full"
    assert told["device"] == {"id": WEB1, "name": "web1"}
    assert told["check"] == {
        "id": "disk-root", "state": "critical", "value": 97.5, "unit": "%", "message": "97.5 % full"
    }
    assert told["firedAt"] == shop.clock()
    assert told["resolvedAt"] is None


async def test_a_sweep_without_a_change_writes_nothing(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    before = await listed(shop)
    await Lease(shop.db, "alerts", "one").release(shop.fence)
    assert await Lease(shop.db, "alerts", "two").acquire() is not None

    assert await shop.sweep(1) == 0         # a write would have met the lost lease
    assert await listed(shop) == before


async def test_a_server_that_lost_its_lease_stores_nothing(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await Lease(shop.db, "alerts", "one").release(shop.fence)
    assert await Lease(shop.db, "alerts", "two").acquire() is not None

    with pytest.raises(Conflict):
        await shop.sweep()
    assert await listed(shop) == ()
    assert await events(shop) == []


async def test_two_servers_at_once_make_one_alert(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    other = Alerts(shop.db, shop.bus, shop.in_force, shop.clock)
    await asyncio.gather(
        *(one.sweep(shop.fence) for one in (shop.alerts, other) * 4), return_exceptions=True
    )

    assert len(await listed(shop)) == 1
    assert await events(shop) == [("noc", "firing")]


async def test_unknown_neither_fires_nor_ends_an_alert(shop: Shop) -> None:
    await shop.says("critical")
    await shop.sweep()
    await shop.says("unknown")
    await shop.sweep(10)
    assert [row.state for row in await listed(shop)] == ["pending"]

    await shop.says("critical", ago=6 * MINUTE)
    await shop.sweep()
    await shop.says("unknown")
    await shop.sweep(10)
    assert [row.state for row in await listed(shop)] == ["firing"]


async def test_a_verdict_nobody_repeated_counts_as_unknown(shop: Shop) -> None:
    shop.in_force.rules = [rule(**{"for": "1h"})]
    await shop.says("critical")
    await shop.sweep()

    await shop.sweep(61)

    assert [row.state for row in await listed(shop)] == ["pending"]


async def test_a_device_with_a_wrong_clock_does_not_fire_early(shop: Shop) -> None:
    await shop.says("critical", skew=-7 * 24 * 60 * MINUTE)
    await shop.sweep()

    (row,) = await listed(shop)
    assert row.state == "pending"
    assert row.started_at == shop.clock()


async def test_a_removed_rule_ends_its_alerts_with_the_reason(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    shop.in_force.rules = []

    await shop.sweep(1)

    assert [row.state for row in await listed(shop, "resolved")] == ["resolved"]
    states = await shop.db.read(lambda c: outbox.notes(c, None, 10))
    ended = next(state for state in states if state.note.event == "resolved")
    assert json.loads(ended.note.payload)["reason"] == "the rule was removed"


async def test_a_revoked_device_ends_its_alerts(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    await shop.revoke()

    await shop.sweep(1)

    assert await listed(shop) == ()
    assert await events(shop) == [("noc", "firing"), ("noc", "resolved")]


async def test_a_check_that_is_gone_ends_its_alerts(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    await shop.db.write(lambda c: c.execute(check_state.delete()).rowcount)

    await shop.sweep(1)

    assert await events(shop) == [("noc", "firing"), ("noc", "resolved")]


async def test_rules_that_are_not_known_yet_end_nothing(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    shop.in_force.rules = None
    await shop.says("ok")

    await shop.sweep(10)

    assert [row.state for row in await listed(shop)] == ["firing"]


async def test_an_end_is_told_where_the_beginning_was_told(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    shop.in_force.rules = [rule(notify=("noc", "mail"))]
    await shop.says("ok")
    await shop.sweep(1)

    assert await events(shop) == [("noc", "firing"), ("noc", "resolved")]


async def test_a_rule_watches_only_its_checks_and_devices(shop: Shop) -> None:
    await shop.says("critical", "cpu", ago=5 * MINUTE)
    shop.in_force.rules = [DISK, rule("org/none", lambda device: False, check="*")]

    await shop.sweep()

    assert await listed(shop) == ()


async def test_a_second_breach_is_a_second_alert(shop: Shop) -> None:
    for _ in range(2):
        await shop.says("critical", ago=5 * MINUTE)
        await shop.sweep(1)
        await shop.says("ok")
        await shop.sweep(1)

    assert len(await listed(shop, "resolved")) == 2
    assert len(await events(shop)) == 4


async def test_pages_hold_every_alert_once(shop: Shop) -> None:
    shop.in_force.rules = [rule(f"org/r{n}") for n in range(7)]
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    seen, cursor = [], None
    while True:
        page = await shop.db.read(lambda c, cursor=cursor: alerts(c, "firing", 3, Paging(
            "m", read(cursor, "m") if cursor else None)))
        seen += [row.id for row in page.items]
        assert page.total == 7
        if (cursor := page.next) is None:
            break

    assert len(set(seen)) == len(seen) == 7
    assert await shop.db.read(lambda c: firing_count(c, TENANT)) == 7


async def test_a_cursor_somebody_made_up_is_refused(shop: Shop) -> None:
    with pytest.raises(InputInvalid):
        await shop.db.read(lambda c: alerts(c, None, 3, Paging("m", ("1;drop", 1))))


async def test_old_resolved_alerts_are_forgotten(shop: Shop) -> None:
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    await shop.says("ok")
    await shop.sweep(1)

    assert await shop.db.write(lambda c: forget_resolved(c, shop.clock())) == 0
    assert await shop.db.write(lambda c: forget_resolved(c, shop.clock() + 1)) == 1


async def test_the_loop_hears_of_changed_verdicts(shop: Shop) -> None:
    alerting = Alerts(shop.db, shop.bus, shop.in_force, shop.clock, every=60)
    with shop.bus.subscribe("notify") as queued:
        running = asyncio.create_task(alerting.run(shop.fence))
        await asyncio.sleep(0.05)
        await shop.says("critical", ago=5 * MINUTE)
        await shop.bus.publish("checks", [WEB1])
        await asyncio.wait_for(anext(queued), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert await events(shop) == [("noc", "firing")]
