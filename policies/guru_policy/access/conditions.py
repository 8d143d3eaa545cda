"""Which conditions of a rule do not hold, in words. It looks nothing up."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from guru_policy.access.asking import Circumstances, Subject
from guru_policy.access.rulebook import HeldRule, HeldWindow
from guru_policy.kinds.role import DAYS

UNAPPROVED = "nobody else has agreed to it"


def unmet(held: HeldRule, subject: Subject, around: Circumstances) -> tuple[str, ...]:
    """The conditions that do not hold, as words that follow `but`."""
    found = []
    if held.mfa_within and (subject.mfa_at is None or not 0 <= around.now - subject.mfa_at <= held.mfa_within * 1000):
        found.append(f"no second factor was shown within {held.mfa_within} s")
    ticket = around.ticket.strip()
    if (held.ticket or held.ticket_pattern) and not ticket:
        found.append("no ticket is named")
    elif held.ticket_pattern and not re.fullmatch(held.ticket_pattern, ticket):
        found.append(f"the ticket is none of the form {held.ticket_pattern}")
    if held.window and not within(held.window, around.now):
        found.append(f"it is outside of {hours(held.window)}")
    if held.approval and not around.approved:
        found.append(UNAPPROVED)
    if held.max_devices and around.devices > held.max_devices:
        found.append(f"it allows {held.max_devices} devices in one go and these are {around.devices}")
    return tuple(found)


def within(window: HeldWindow, now: int) -> bool:
    """Whether `now` (ms UTC) is in the window; one that ends where it begins lasts a day."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(window.zone))
    minute, day = local.hour * 60 + local.minute, local.weekday()
    if window.since < window.until:
        return day in window.days and window.since <= minute < window.until
    if minute >= window.since:
        return day in window.days
    return minute < window.until and (day - 1) % 7 in window.days


def hours(window: HeldWindow) -> str:
    """The window for people."""
    days = ", ".join(DAYS[day] for day in window.days)
    since, until = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (window.since, window.until))
    return f"{days} {since}-{until} {window.zone}"
