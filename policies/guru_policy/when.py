"""Words about time that kinds share: cron expressions, time zones, moments. It reads no clock."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.model import wrong
from guru_policy.quantities import shape, shown
from guru_policy.text.suggesting import did_you_mean
from guru_policy.timezones import ZONES

_ANY_DAY = datetime(2000, 1, 1)         # noqa: DTZ001 - only a start for the parser; no answer depends on it
_LONGEST = 200
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
DEVICE_ZONE = "device"


def read_cron(value: str) -> str:
    """Five fields as cronsim reads them (Debian's cron, with `L`, `LW` and `fri#2`), single spaces between."""
    fields = value.split() if value.isascii() and len(value) <= _LONGEST else []
    hint = "minute hour day-of-month month day-of-week, such as `30 2 * * sun`"
    if len(fields) != 5:
        raise wrong(f"{shown(value)} is not a cron expression of 5 fields", hint=hint)
    text = " ".join(fields)
    try:
        CronSim(text, _ANY_DAY)
    except (CronSimError, ValueError, AssertionError) as cause:
        reason = str(cause).lower() if isinstance(cause, CronSimError) else "a field is not well formed"
        raise wrong(f"{shown(value)} is not a cron expression: {reason}", hint=hint) from cause
    return text


def read_zone(value: str) -> str:
    """A name of the IANA time zone database."""
    if value not in ZONES:
        raise wrong(f"{shown(value)} is not a time zone", hint=did_you_mean(value, ZONES))
    return value


def _zone_or_device(value: str) -> str:
    return value if value == DEVICE_ZONE else read_zone(value)


def read_moment(value: str) -> str:
    """A date and time of day without an offset, to the minute: `2026-03-01T22:00`."""
    if not _MOMENT.fullmatch(value):
        raise wrong(f"{shown(value)} is not a date and time", hint="write 2026-03-01T22:00; the zone stands beside it")
    try:
        datetime.fromisoformat(value)
    except ValueError as cause:
        raise wrong(f"{shown(value)} is not a day of the calendar") from cause
    return value


Cron = Annotated[
    str, AfterValidator(read_cron), StringConstraints(min_length=9, max_length=_LONGEST),
    shape("cron expression"),
]
"""A cron expression of five fields: minute, hour, day of month, month, day of week."""

Timezone = Annotated[str, AfterValidator(read_zone), StringConstraints(max_length=64), shape("time zone")]
"""A name from the IANA time zone database, such as Europe/Madrid."""

DeviceTimezone = Annotated[
    str, AfterValidator(_zone_or_device), StringConstraints(max_length=64), shape("time zone, or `device`")
]
"""A Timezone, or `device`: that of the device's site, else of its customer."""

Moment = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$"),
    AfterValidator(read_moment), shape("date and time"),
]
"""A local date and time without an offset, to the minute."""

Repeats = Annotated[int, Field(ge=1, le=1000)]
"""How often at most."""
