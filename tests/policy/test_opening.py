"""When a maintenance window is open: by the calendar, in its zone, over the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.opening import Calendar, Span, Times, moment_of, span


def at(text: str) -> int:
    """ms of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def weekly(zone: str = "Europe/Madrid", hours: int = 3, cron: str = "30 2 * * sun") -> Times:
    return Times(cron, None, hours * 3600, zone)


@pytest.mark.parametrize(("moment", "opened"), [
    ("2026-01-04T01:29:59", False), ("2026-01-04T01:30:00", True),      # 02:30 in Madrid's winter
    ("2026-01-04T04:29:59", True), ("2026-01-04T04:30:00", False),
    ("2026-07-05T00:30:00", True), ("2026-07-05T03:30:00", False),      # and in its summer
    ("2026-01-05T02:00:00", False),
])
def test_a_window_opens_at_the_time_of_day_of_its_zone(moment: str, opened: bool) -> None:
    assert span(weekly(), at(moment)).open is opened


def test_a_time_that_a_day_skips_is_the_first_that_it_has_and_the_window_lasts_as_long() -> None:
    # Clocks in Madrid went from 02:00 to 03:00 at 01:00 UTC on 29 March 2026: there was no 02:30.
    assert span(weekly(), at("2026-03-29T01:10:00")) == Span(
        True, at("2026-03-29T01:00:00"), at("2026-03-29T04:00:00"))


@pytest.mark.parametrize("moment", ["2026-10-25T00:30:00", "2026-10-25T01:05:00", "2026-10-25T01:35:00"])
def test_a_time_that_comes_twice_opens_once_and_the_window_lasts_as_long(moment: str) -> None:
    # Clocks in Madrid went from 03:00 back to 02:00 at 01:00 UTC on 25 October 2026: 02:30 came twice.
    assert span(weekly(), at(moment)) == Span(True, at("2026-10-25T00:30:00"), at("2026-10-25T03:30:00"))


def test_between_the_two_a_short_window_is_closed_and_does_not_open_again() -> None:
    short = Times("30 2 * * sun", None, 600, "Europe/Madrid")

    assert span(short, at("2026-10-25T01:35:00")) == Span(
        False, at("2026-10-25T00:40:00"), at("2026-11-01T01:30:00"))


def test_a_window_that_opens_once_reads_a_skipped_moment_as_later_and_a_doubled_one_as_the_first() -> None:
    assert moment_of("2026-03-29T02:30", "Europe/Madrid") == at("2026-03-29T01:30:00")
    assert moment_of("2026-10-25T02:30", "Europe/Madrid") == at("2026-10-25T00:30:00")


def test_a_window_that_opens_once_never_opens_again() -> None:
    once = Times(None, "2026-12-30T00:00", 4 * 86_400, "Europe/Madrid")
    begin, end = at("2026-12-29T23:00:00"), at("2027-01-02T23:00:00")

    assert span(once, begin - 1) == Span(False, None, begin)
    assert span(once, begin) == span(once, end - 1) == Span(True, begin, end)
    assert span(once, end) == Span(False, end, None)


def test_openings_that_overlap_are_one_long_one() -> None:
    hourly = Times("0 1-3 * * *", None, 5400, "UTC")

    assert span(hourly, at("2026-05-01T01:10:00")).until == at("2026-05-01T04:30:00")


def test_a_clock_that_jumps_finds_what_is_so_at_its_new_time() -> None:
    calendar, night = Calendar(), weekly()
    moments = ["2026-01-04T02:00:00", "2026-01-05T02:00:00", "2026-01-04T02:00:00", "2036-01-06T02:00:00"]

    assert [calendar.at(night, at(one)).open for one in moments] == [True, False, True, True]


def test_a_cron_that_never_comes_never_opens() -> None:
    assert span(Times("0 0 */31 * sun#2", None, 3600, "UTC"), at("2026-01-01T00:00:00")) == Span(False, None, None)


ZONES = ("UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata",
         "Africa/Casablanca", "Pacific/Chatham")
CRONS = ("30 2 * * *", "*/20 * * * *", "0 */6 * * *", "15 1,2,3 * * sun", "0 0 1 * *", "59 23 * * 1-5", "30 1-2 * * *",
         "0 3 * * sun#2", "0 12 L * *")
times = st.builds(
    Times, st.sampled_from(CRONS), st.none(), st.sampled_from([60, 600, 3600, 10_800, 90_000]), st.sampled_from(ZONES))
year = st.integers(at("2026-01-01T00:00:00") // 1000, at("2027-01-01T00:00:00") // 1000)


@settings(max_examples=150, deadline=None)
@given(times, year, st.integers(0, 30 * 3600))
def test_what_is_said_of_a_span_is_so_at_every_moment_in_it(window: Times, second: int, later: int) -> None:
    now = second * 1000
    found = span(window, now)
    then = now + later * 1000

    assert found.holds(now)
    if found.holds(then):
        assert span(window, then).open is found.open
    if found.until is not None and not found.open:
        assert span(window, found.until).open


@settings(max_examples=20, deadline=None)
@given(times, year)
def test_a_calendar_asked_minute_by_minute_says_what_a_fresh_look_says(window: Times, second: int) -> None:
    calendar, begin = Calendar(), second * 1000
    moments = [begin + minute * 60_000 for minute in range(0, 36 * 60, 13)]

    assert [calendar.at(window, one).open for one in moments] == [span(window, one).open for one in moments]


def test_midnights_of_a_zone_are_those_of_its_people() -> None:
    """Lord Howe is 11 hours ahead until its clocks go back by half an hour on 5 April 2026."""
    night = Times("0 0 * * *", None, 3600, "Australia/Lord_Howe")
    opened = [day for day in range(1, 10) if span(night, at(f"2026-04-{day:02d}T13:00:00")).open]

    assert opened == [1, 2, 3, 4]
