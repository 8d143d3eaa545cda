"""`guru test` and the server tell the same story of the same readings, minute by minute."""

from __future__ import annotations

import pytest

from guru_policy.alerting.simulating import Ack, Scene, heard_of, history_of
from guru_policy.alerting.telling import RULE, Route, Step
from guru_policy.opening import Times
from guru_policy.series import parse_series
from guru_policy.verdict import State
from guru_server.alerts.acknowledging import acknowledge
from guru_server.alerts.store import alerts
from guru_server.cursors import Paging
from guru_server.notify import outbox
from guru_wire.alerting import AckRequest
from tests.server.alerts.conftest import MINUTE, Shop, escalation, everything, rule, step


async def seen(shop: Shop) -> tuple[str, bool]:
    """The newest alert's state, and whether somebody was told of one by now."""
    rows = (await shop.db.read(lambda c: alerts(c, "all", 1, Paging("m")))).items
    notes = await shop.db.read(lambda c: outbox.notes(c, None, 1))
    return rows[0].state if rows else "inactive", bool(notes)


@pytest.mark.parametrize(("state", "hold", "keep", "series"), [
    ("critical", 0, 0, "ok*2 critical*3 ok*2 critical ok"),
    ("critical", 3, 2, "critical*3 warning critical*5 ok critical ok*4 critical"),
    ("warning", 3, 0, "warning*2 critical*2 ok warning*4 unknown*3 ok"),
    ("critical", 10, 5, "critical*4 _*6 critical ok _*8"),
    ("critical", 60, 0, "critical*5 _*60 critical*3"),
    ("critical", 20, 30, "critical _*25 ok _*50 ok"),
])
async def test_a_simulated_alert_is_what_the_sweep_makes_of_it(
    state: str, hold: int, keep: int, series: str, shop: Shop
) -> None:
    told = rule(state=state, **{"for": f"{hold}m", "keepFiring": f"{keep}m"})
    shop.in_force.rules = [told]
    readings = parse_series(series)
    scene = Scene((Route((Step(RULE, 0, ("noc",)),)),))
    history = history_of(told.timing, heard_of(series, MINUTE), len(readings) * MINUTE, scene)
    last: State | None = None
    began, now, by_sweep, by_simulation = 0, 0, [], []
    for minute, reading in enumerate(readings):
        now = minute * MINUTE
        if reading is not None:
            began = began if reading.state is last else now
            last = reading.state
            await shop.says(reading.state.value, ago=now - began)
        await shop.sweep()
        by_sweep.append((minute, *await seen(shop)))
        change = history.at(now)
        by_simulation.append((minute, change.state, bool(change.told)))
        shop.clock.forward(MINUTE)

    assert by_simulation == by_sweep


@pytest.mark.parametrize(("series", "window", "acks"), [
    ("critical*90 ok*5", None, ()),
    ("critical*120 ok*30", Times("20 * * * *", None, 1500, "UTC"), ()),
    ("ok*3 critical*70 ok*4 critical*20 ok", None, ((12, 30),)),
    ("critical*100 ok*9", Times("0 */2 * * *", None, 2400, "UTC"), ((25, None),)),
    ("critical*60 ok*60", Times("50 * * * *", None, 1200, "UTC"), ()),
])
async def test_a_simulated_escalation_tells_whom_the_sweep_tells(
    series: str, window: Times | None, acks: tuple[tuple[int, int | None], ...], shop: Shop
) -> None:
    shift = escalation(step("desk", 5, "desk", "noc"), step("on-call", 15, "on-call"),
                       step("owner", 40, "owner", heeds=False), period=50 * MINUTE, rounds=2)
    told = rule(**{"for": "2m"})
    shop.in_force.rules, shop.in_force.escalations = [told], (shift,)
    shop.in_force.windows = {"night": window} if window else {}
    shop.clock.now = epoch = 1_700_000_000_000 // (120 * MINUTE) * (120 * MINUTE)
    readings = parse_series(series)
    scene = Scene(
        routes=(Route((Step(RULE, 0, ("noc",)),)), shift.route), windows=tuple(shop.in_force.windows.items()),
        acks=tuple(Ack(at * MINUTE, None if until is None else until * MINUTE) for at, until in acks), epoch=epoch)
    history = history_of(told.timing, heard_of(series, MINUTE), len(readings) * MINUTE, scene)
    last, began = None, 0
    for minute, reading in enumerate(readings):
        assert reading is not None
        began = began if reading.state is last else minute
        last = reading.state
        await shop.says(reading.state.value, ago=(minute - began) * MINUTE)
        await shop.sweep()
        for at, until in acks:
            if at == minute:
                (row,) = (await shop.db.read(lambda c: alerts(c, "firing", 1, Paging("m")))).items
                request = AckRequest(seconds=None if until is None else (until - at) * 60)
                eyes = await everything()
                await shop.db.write(lambda c, row=row, request=request, eyes=eyes: acknowledge(
                    c, row.id, request, "jan", shop.clock(), eyes))
                await shop.sweep()
        shop.clock.forward(MINUTE)
    notes = await shop.db.read(lambda c: outbox.notes(c, None, 1000))
    by_sweep = sorted((
        (one.created_at - epoch) // MINUTE, one.note.event, one.note.channel) for one in notes)
    by_simulation = sorted((change.at // MINUTE, "firing", name) for change in history.changes
                           for name in change.now if change.state == "firing")

    assert [one for one in by_sweep if one[1] == "firing"] == by_simulation
    assert by_simulation
