"""Readings of a check, written short for tests: parsed, never taken. Promtool's idea, in our words.

    ok*5 warning:86.5*10 critical _*3        five, ten and one readings, then three times no reading
"""

from __future__ import annotations

import re
from typing import NamedTuple

from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.text.suggesting import did_you_mean
from guru_policy.verdict import State

MAX_READINGS = 100_000
_TOKEN = re.compile(
    r"(?P<word>[a-z]+|_)(?::(?P<value>-?[0-9]{1,15}(?:\.[0-9]{1,9})?))?(?:\*(?P<times>[0-9]{1,6}))?", re.ASCII
)
_STATES = {state.value: state for state in State}


class Reading(NamedTuple):
    """One result of a check."""

    state: State
    value: float | None = None


def parse_series(text: str) -> tuple[Reading | None, ...]:
    """The readings in order, None where there is none. Raises what validators raise."""
    found: list[Reading | None] = []
    for token in text.split():
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise wrong(f"{shown(token)} is not a reading", hint="write ok, critical:97, ok*5 or _")
        word, times = parts["word"], int(parts["times"] or 1)
        if word != "_" and word not in _STATES:
            raise wrong(f"{shown(word)} is not a state of a check", hint=did_you_mean(word, _STATES))
        if not times or len(found) + times > MAX_READINGS:
            raise wrong(f"{shown(token)} makes none or more than {MAX_READINGS:,} readings")
        if word == "_" and parts["value"]:
            raise wrong(f"{shown(token)} has a value and is no reading")
        reading = None if word == "_" else Reading(
            _STATES[word], float(parts["value"]) if parts["value"] else None)
        found += [reading] * times
    if not found:
        raise wrong("there is no reading", hint="write ok, critical:97, ok*5 or _")
    return tuple(found)
