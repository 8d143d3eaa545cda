"""What becomes of an alert over a series of readings, by the functions that the server's sweep uses."""

from __future__ import annotations

import pytest

from guru_policy.alerting.episode import Timing
from guru_policy.alerting.simulating import heard_of, history_of

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def told(timing: Timing, series: str, every: int = MINUTE) -> list[tuple[int, str]]:
    """Every change of the alert, times in minutes."""
    return [(change.at // MINUTE, change.state) for change in history_of(timing, heard_of(series, every), DAY).changes]


@pytest.mark.parametrize(("hold", "keep", "series", "changes"), [
    (0, 0, "ok*3 critical*3 ok", [(3, "firing"), (6, "resolved")]),
    (2, 0, "critical*2 ok", [(0, "pending"), (2, "inactive")]),
    (2, 0, "critical*3 ok", [(0, "pending"), (2, "firing"), (3, "resolved")]),
    (0, 5, "critical ok*3 critical ok*9", [(0, "firing"), (10, "resolved")]),
    (0, 2, "critical ok*3 critical ok*9", [(0, "firing"), (3, "resolved"), (4, "firing"), (7, "resolved")]),
    (0, 0, "warning*9", []),
    (10, 0, "critical unknown*20 ok", [(0, "pending"), (21, "inactive")]),
    (10, 0, "critical unknown*20 critical", [(0, "pending"), (31, "firing")]),
    (1, 0, "critical*2 ok critical", [(0, "pending"), (1, "firing"), (2, "resolved"), (3, "pending"), (4, "firing")]),
])
def test_a_series_tells_a_story(hold: int, keep: int, series: str, changes: list[tuple[int, str]]) -> None:
    timing = Timing("critical", hold=hold * MINUTE, keep=keep * MINUTE)

    assert told(timing, series) == changes


def test_a_reading_stands_forty_minutes_without_another_and_is_unknown_then() -> None:
    hour = Timing("critical", hold=60 * MINUTE)
    half = Timing("critical", hold=30 * MINUTE)

    assert told(half, "critical _*100") == [(0, "pending"), (30, "firing")]
    assert told(hour, "critical _*100") == [(0, "pending")]
    assert told(hour, "critical*21 _*100") == [(0, "pending"), (60, "firing")]


def test_a_check_that_runs_seldom_is_no_check_that_fell_silent() -> None:
    assert told(Timing("critical", hold=100 * MINUTE), "critical*2", 60 * MINUTE) == [(0, "pending"), (100, "firing")]


def test_at_the_time_of_a_reading_the_reading_counts() -> None:
    history = history_of(Timing("critical"), heard_of("ok critical ok", MINUTE), DAY)

    assert [history.at(time).state for time in (0, MINUTE - 1, MINUTE, 2 * MINUTE - 1, 2 * MINUTE)] == [
        "inactive", "inactive", "firing", "firing", "resolved"]


def test_a_long_series_is_as_cheap_as_its_changes() -> None:
    assert len(heard_of("ok*50000 critical*49999 ok", MINUTE)) == 4
