"""Who is told of alerts that fire, on each kind of database: steps, acknowledgements, windows, two servers."""

from __future__ import annotations

import asyncio
import json

import pytest

from guru_policy.errors import Conflict, InputInvalid, NotFound
from guru_policy.opening import Times
from guru_server.alerts import maintenance
from guru_server.alerts.acknowledging import acknowledge, detail
from guru_server.alerts.loop import Alerts
from guru_server.alerts.store import alerts, forget_resolved
from guru_server.alerts.tables import alert_event
from guru_server.cursors import Paging
from guru_server.leases import Lease
from guru_server.notify import outbox
from guru_wire.alerting import AckRequest, AlertDetail, AlertRow, MaintenanceRequest
from tests.server.alerts.conftest import MINUTE, WEB1, Shop, escalation, everything, rule, step

DESK, ON_CALL = step("desk", 5, "desk"), step("on-call", 15, "oncall@msp.example")
OWNER = step("owner", 60, "owner@msp.example", heeds=False)
SHIFT = escalation(DESK, ON_CALL, OWNER)
ALWAYS = Times("* * * * *", None, 3600, "UTC")


async def told(shop: Shop) -> list[tuple[str, str, str, int]]:
    """Receiver, event, step and round of every note, in the order in which they were made."""
    states = await shop.db.read(lambda c: outbox.notes(c, None, 100))
    notes = sorted(states, key=lambda one: (one.created_at, one.note.by, one.note.channel))
    return [(one.note.channel, one.note.event, one.note.by.step, one.note.by.round) for one in notes]


async def names(shop: Shop) -> list[str]:
    return [one[0] for one in await told(shop)]


async def one(shop: Shop) -> AlertRow:
    (row,) = (await shop.db.read(lambda c: alerts(c, "all", 50, Paging("m"), shop.clock()))).items
    return row


async def shown(shop: Shop) -> AlertDetail:
    row, eyes = await one(shop), await everything()
    return await shop.db.read(lambda c: detail(c, row.id[:8], shop.clock(), eyes.reading))


async def ack(shop: Shop, seconds: int | None = None, note: str = "") -> AlertDetail:
    row = await one(shop)
    request = AckRequest(seconds=seconds, note=note)
    eyes = await everything()
    return (await shop.db.write(lambda c: acknowledge(c, row.id, request, "jan", shop.clock(), eyes)))[0]


async def fire(shop: Shop) -> None:
    """An alert that fires now, and is told by the rule and by SHIFT."""
    shop.in_force.escalations = (SHIFT,)
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()


async def test_steps_are_told_in_their_time_and_the_end_to_all_who_were(shop: Shop) -> None:
    await fire(shop)
    for minute in (4, 1, 10, 1, 30):
        await shop.sweep(minute)
        await shop.says("critical", ago=60 * MINUTE)
    await shop.says("ok")
    await shop.sweep(1)

    assert await told(shop) == [
        ("noc", "firing", "", 0), ("desk", "firing", "org/shift/desk", 0),
        ("oncall@msp.example", "firing", "org/shift/on-call", 0),
        ("desk", "resolved", "", 0), ("noc", "resolved", "", 0), ("oncall@msp.example", "resolved", "", 0)]


async def test_a_note_says_by_which_step_of_which_round(shop: Shop) -> None:
    shop.in_force.rules = [rule(notify=())]
    shop.in_force.escalations = (escalation(step("desk", 0, "desk"), period=30 * MINUTE, rounds=2),)
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    await shop.sweep(31)

    states = await shop.db.read(lambda c: outbox.notes(c, None, 100))
    said = [json.loads(state.note.payload)["escalation"] for state in states]
    assert sorted(said, key=lambda one: one["round"]) == [
        {"policy": "org/shift", "step": "desk", "round": 0}, {"policy": "org/shift", "step": "desk", "round": 1}]
    assert len({state.note.id for state in states}) == 2


async def test_only_alerts_of_the_policys_severities_are_escalated(shop: Shop) -> None:
    shop.in_force.escalations = (escalation(DESK, severities=("critical",)),)
    await shop.says("critical", ago=5 * MINUTE)
    await shop.sweep()
    await shop.sweep(10)

    assert await names(shop) == ["noc"]


async def test_whoever_takes_it_up_stops_the_steps_that_heed_it_until_the_time_is_over(shop: Shop) -> None:
    await fire(shop)
    await shop.sweep(6)
    taken = await ack(shop, seconds=3600, note="disk\x1b[31m ordered")
    await shop.sweep(30)
    assert await names(shop) == ["noc", "desk"]
    assert (taken.acked_by, taken.acked_until) == ("jan", shop.clock() + 30 * MINUTE)
    assert "\x1b" not in taken.ack_note

    await shop.sweep(25)                                    # an hour since it fired: the owner is told all the same
    await shop.sweep(6)
    assert (await one(shop)).acked_by == ""
    await shop.sweep(7)
    assert await names(shop) == ["noc", "desk", "owner@msp.example"]
    await shop.sweep(2)
    assert await names(shop) == ["noc", "desk", "owner@msp.example", "oncall@msp.example"]


async def test_the_timeline_tells_the_whole_story(shop: Shop) -> None:
    shop.in_force.windows = {"night": ALWAYS}
    await fire(shop)
    shop.in_force.windows = {}
    await shop.sweep(10)
    await ack(shop, note="mine")
    await shop.says("ok")
    await shop.sweep(1)
    found = await shown(shop)

    assert [(one.event, one.who, one.text) for one in found.timeline] == [
        ("began", (), "the check is as the rule says"), ("fired", (), ""), ("muted", ("night",), ""),
        ("unmuted", ("night",), ""), ("told", ("noc",), "by the rule"), ("acknowledged", ("jan",), "mine"),
        ("resolved", ("noc",), "")]
    assert [one.at for one in found.timeline] == sorted(one.at for one in found.timeline)
    assert [(note.channel, note.event, note.state) for note in found.notes] == [
        ("noc", "firing", "waiting"), ("noc", "resolved", "waiting")]


async def test_an_alert_that_does_not_fire_cannot_be_taken_up(shop: Shop) -> None:
    eyes = await everything()
    await shop.says("critical")
    await shop.sweep()

    with pytest.raises(Conflict, match="it is pending"):
        await ack(shop)
    for made_up in ("zz", "ffffffff", "%", "' OR 1=1"):
        with pytest.raises(NotFound):
            await shop.db.read(lambda c, made_up=made_up: detail(c, made_up, 0, eyes.reading))


async def test_while_a_window_is_open_nobody_is_told_and_afterwards_those_whom_it_concerns(shop: Shop) -> None:
    shop.in_force.windows = {"night": ALWAYS}
    await fire(shop)
    await shop.sweep(120)
    assert await names(shop) == []
    assert (await one(shop)).muted_by == ("night",)

    shop.in_force.windows = {}
    await shop.sweep(1)
    await shop.sweep(4)
    assert await names(shop) == ["noc"]
    await shop.sweep(1)
    assert await names(shop) == ["noc", "desk"]
    assert (await one(shop)).muted_by == ()


async def test_what_fires_and_ends_in_a_window_is_told_to_nobody(shop: Shop) -> None:
    shop.in_force.windows = {"night": ALWAYS}
    await fire(shop)
    await shop.says("ok")
    await shop.sweep(1)
    shop.in_force.windows = {}
    await shop.sweep(1)

    assert await names(shop) == []


async def test_an_end_in_a_window_waits_in_the_outbox_until_it_closes(shop: Shop) -> None:
    await fire(shop)
    (begun,) = await shop.db.read(lambda c: outbox.due(c, shop.clock(), 10))
    await shop.db.write(lambda c: outbox.delivered(c, begun.id, shop.clock()))
    closes = shop.clock() + 60 * MINUTE
    await shop.db.write(lambda c: maintenance.start(c, ask(), "jan", shop.clock()))
    await shop.says("ok")
    await shop.sweep(1)

    assert await shop.db.read(lambda c: outbox.due(c, closes - 1, 10)) == []
    assert [one.event for one in await shop.db.read(lambda c: outbox.due(c, closes, 10))] == ["resolved"]


async def test_two_servers_at_once_tell_each_step_once(shop: Shop) -> None:
    await fire(shop)
    other = Alerts(shop.db, shop.bus, shop.in_force, shop.clock)
    for _ in range(4):
        shop.clock.forward(20 * MINUTE)
        await asyncio.gather(
            *(server.sweep(shop.fence) for server in (shop.alerts, other) * 2), return_exceptions=True)

    assert await names(shop) == ["noc", "desk", "oncall@msp.example", "owner@msp.example"]


async def test_a_server_that_lost_its_lease_tells_nobody_and_the_next_one_forgets_nobody(shop: Shop) -> None:
    await fire(shop)
    await Lease(shop.db, "alerts", "one").release(shop.fence)
    taken = await Lease(shop.db, "alerts", "two").acquire()
    assert taken is not None
    with pytest.raises(Conflict):
        await shop.sweep(6)
    assert await names(shop) == ["noc"]

    await Alerts(shop.db, shop.bus, shop.in_force, shop.clock).sweep(taken)

    assert await names(shop) == ["noc", "desk"]


async def test_a_quiet_alert_between_two_steps_is_not_written(shop: Shop) -> None:
    await fire(shop)
    await shop.sweep(6)
    before = await shown(shop)
    await Lease(shop.db, "alerts", "one").release(shop.fence)
    assert await Lease(shop.db, "alerts", "two").acquire() is not None

    assert await shop.sweep(1) == 0         # a write would have met the lost lease
    assert await shown(shop) == before


async def test_the_story_goes_with_its_alert(shop: Shop) -> None:
    await fire(shop)
    await shop.says("ok")
    await shop.sweep(1)
    await shop.db.write(lambda c: forget_resolved(c, shop.clock() + 1))

    assert await shop.db.read(lambda c: c.execute(alert_event.select()).all()) == []


def ask(selector: str = "name=web1", seconds: int = 3600) -> MaintenanceRequest:
    return MaintenanceRequest(selector=selector, seconds=seconds, reason="new switch")


async def test_a_window_by_hand_mutes_the_devices_it_names_and_closes_by_itself(shop: Shop) -> None:
    made = await shop.db.write(lambda c: maintenance.start(c, ask("tier=gold"), "jan", shop.clock()))
    await fire(shop)
    await shop.sweep(50)
    assert (await one(shop)).muted_by == (made.id,)
    assert await names(shop) == []

    await shop.sweep(11)

    assert await names(shop) == ["noc"]
    rows = await shop.db.read(lambda c: maintenance.listed(c, shop.clock(), closed=False, sees=lambda _: True))
    assert rows == []


async def test_a_window_by_hand_over_other_devices_mutes_nothing(shop: Shop) -> None:
    await shop.db.write(lambda c: maintenance.start(c, ask("tier=silver"), "jan", shop.clock()))
    await fire(shop)

    assert await names(shop) == ["noc"]


async def test_a_window_by_hand_can_be_closed_sooner_and_only_once(shop: Shop) -> None:
    made = await shop.db.write(lambda c: maintenance.start(c, ask(), "jan", shop.clock()))
    await fire(shop)
    closed = await shop.db.write(lambda c: maintenance.end(c, made, "eva", shop.clock()))
    await shop.sweep(1)

    assert (closed.open, closed.ended_by) == (False, "eva")
    assert await names(shop) == ["noc"]
    with pytest.raises(Conflict):
        await shop.db.write(lambda c: maintenance.end(c, closed, "eva", shop.clock()))
    with pytest.raises(NotFound):
        await shop.db.write(lambda c: maintenance.one(c, "maint-0", shop.clock()))
    with pytest.raises(InputInvalid):
        await shop.db.write(lambda c: maintenance.start(c, ask("a=("), "jan", shop.clock()))


async def test_rules_that_are_not_known_tell_nobody_and_lose_nothing(shop: Shop) -> None:
    await fire(shop)
    known, shop.in_force.rules = shop.in_force.rules, None
    await shop.sweep(10)
    assert await names(shop) == ["noc"]
    shop.in_force.rules = known
    await shop.sweep(0)

    assert await names(shop) == ["noc", "desk"]


async def test_a_clock_set_back_tells_nothing_twice(shop: Shop) -> None:
    await fire(shop)
    await shop.sweep(6)
    shop.clock.forward(-30 * MINUTE)
    await shop.sweep(0)
    await shop.sweep(6)

    assert await names(shop) == ["noc", "desk"]
    assert (await one(shop)).device == WEB1
