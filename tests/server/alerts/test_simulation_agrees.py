"""`guru test` and the server tell the same story of the same readings, minute by minute."""

from __future__ import annotations

import pytest

from guru_policy.alerting.simulating import heard_of, history_of
from guru_policy.series import parse_series
from guru_policy.verdict import State
from guru_server.alerts.store import alerts
from guru_server.notify import outbox
from tests.server.alerts.conftest import MINUTE, Shop, rule


async def seen(shop: Shop) -> tuple[str, bool]:
    """The newest alert's state, and whether somebody was told of one by now."""
    rows = (await shop.db.read(lambda c: alerts(c, "all", 1, None))).items
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
    history = history_of(told.timing, heard_of(series, MINUTE), len(readings) * MINUTE)
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
        by_simulation.append((minute, change.state, change.told))
        shop.clock.forward(MINUTE)

    assert by_simulation == by_sweep
