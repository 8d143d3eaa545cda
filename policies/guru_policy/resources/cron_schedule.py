"""The schedule of a cron job, checked field by field as crontab(5) reads it. It runs nothing."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from guru_policy.model import wrong
from guru_policy.quantities import shown

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS), ("day of week", 0, 7, _DAYS),
)
_NICKNAMES = ("@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_PART = re.compile(r"(\*|[A-Za-z0-9]{1,3}(?:-[A-Za-z0-9]{1,3})?)(?:/([0-9]{1,3}))?", re.ASCII)


def read_schedule(value: str) -> str:
    """The schedule with single spaces between its fields."""
    if value.startswith("@"):
        if value not in _NICKNAMES:
            raise wrong(f"{shown(value)} is not a schedule", hint="one of " + ", ".join(_NICKNAMES))
        return value
    fields = value.split()
    if len(fields) != 5 or not value.isprintable():
        raise wrong(
            f"{shown(value)} has {len(fields)} fields and not 5",
            hint="minute hour day-of-month month day-of-week, such as `30 3 * * mon-fri`",
        )
    for text, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        _check_field(text, name, low, high, words)
    return " ".join(fields)


def _check_field(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> None:
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise wrong(f"{shown(part)} is not a {name}", hint="a number, `*`, `1-5`, `*/10` or a list")
        span, step = found.groups()
        if step is not None and ((span != "*" and "-" not in span) or not 0 < int(step) <= high):
            raise wrong(f"{shown(part)} has a step that makes no sense for the {name}")
        if span == "*":
            continue
        ends = [_number(end, name, low, high, words) for end in span.split("-")]
        if ends[0] > ends[-1]:
            raise wrong(f"{shown(part)} runs backwards")


def _number(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    number = int(text) if text.isdigit() else -1
    if text.lower() in words:
        number = words.index(text.lower()) + (1 if name == "month" else 0)
    if not low <= number <= high:
        raise wrong(f"{shown(text)} is not a {name}", hint=f"{low} to {high}")
    return number


CronSchedule = Annotated[str, AfterValidator(read_schedule)]
"""Five fields or a nickname such as `@daily` (crontab(5))."""
