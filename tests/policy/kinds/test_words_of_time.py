"""Cron expressions, zones, moments and series: what is read, and that nothing else gets through."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from guru_policy.series import Reading, parse_series
from guru_policy.timezones import ZONES
from guru_policy.verdict import State
from guru_policy.when import Cron, Moment, Timezone

CRON, MOMENT, ZONE = TypeAdapter(Cron), TypeAdapter(Moment), TypeAdapter(Timezone)
PARTS = st.sampled_from([
    "*", "*/5", "0", "7", "1-5", "1,15", "L", "LW", "sun", "MON-FRI", "fri#2", "5L", "jan", "30", "31", "1/3", "61",
    "x", "-", "5-1", "#", "L/2", "²",
])


@given(st.lists(PARTS, min_size=4, max_size=6).map(" ".join))
def test_whatever_is_taken_for_cron_can_be_iterated_by_cronsim(text: str) -> None:
    try:
        expression = CRON.validate_python(text)
    except ValidationError:
        return

    assert next(CronSim(expression, datetime(2026, 1, 1))) > datetime(2026, 1, 1)


@given(st.text(max_size=60))
def test_any_text_is_cron_or_a_sentence_about_it(text: str) -> None:
    try:
        found = CRON.validate_python(text)
    except ValidationError as error:
        found = error.errors()[0]["msg"]

    assert found.isprintable()


def test_spaces_of_a_cron_expression_are_single() -> None:
    assert CRON.validate_python("0  2 *   * sun#2") == "0 2 * * sun#2"


@pytest.mark.parametrize("name", ["UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"])
def test_a_zone_of_the_database_is_known_to_the_list(name: str) -> None:
    assert ZONE.validate_python(name) == ZoneInfo(name).key


def test_the_list_of_zones_is_the_whole_database() -> None:
    assert len(ZONES) == 597
    assert not {"localtime", "posixrules", "Factory"} & ZONES


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00Z", "2026-13-01T00:00", "2026-01-01T24:00", "soon"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)


def test_a_series_is_its_readings_in_order() -> None:
    assert parse_series("ok*2 _ critical:97.5") == (
        Reading(State.ok), Reading(State.ok), None, Reading(State.critical, 97.5),
    )


@pytest.mark.parametrize("text", ["", "ok*0", "ok*999999", "_:5", "ok:", "OK", "ok**2", "ok*99999 ok*99999"])
def test_a_series_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_series(text)
