"""When a task of Tactical RMM runs, as a cron expression. It knows no clock.

Bits are those of its `run_time_bit_weekdays` (1 is Sunday), `monthly_days_of_month` (1 is the first, the 32nd bit the
last day), `monthly_months_of_year` (1 is January) and `monthly_weeks_of_month` (1 is the first, 16 the last).
"""

from __future__ import annotations

import re

from gurucli.importing.tactical.models import Task

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LAST_DAY = 1 << 31
LAST_WEEK = 16
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T(\d{2}):(\d{2})")
_DELAY = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?", re.IGNORECASE)


class Unplanned(ValueError):
    """Cron cannot say it; the message is the reason."""


def cron_of(task: Task) -> str:
    """Five fields; Unplanned with the reason when cron cannot say it."""
    found = _TIME.match(task.run_time_date or "")
    if found is None:
        raise Unplanned("it says no time of day")
    if task.task_repetition_interval:
        raise Unplanned("it repeats during the day")
    at = f"{int(found[2])} {int(found[1])}"
    match task.task_type:
        case "daily":
            if (task.daily_interval or 1) != 1:
                raise Unplanned(f"it runs every {task.daily_interval} days, and cron counts days anew in each month")
            return f"{at} * * *"
        case "weekly":
            if (task.weekly_interval or 1) != 1:
                raise Unplanned(f"it runs every {task.weekly_interval} weeks, which cron cannot say")
            return f"{at} * * {_days(task)}"
        case "monthly":
            return f"{at} {_month_days(task.monthly_days_of_month or 0)} {_months(task)} *"
        case "monthlydow":
            return f"{at} * {_months(task)} {_month_weeks(task)}"
    raise Unplanned(f"a task of type {task.task_type} has no times")


def jitter_of(task: Task) -> str | None:
    """The random delay as a duration, at most a day; None for none."""
    found = _DELAY.fullmatch(task.random_task_delay or "")
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(one or 0) for one in found.groups())
    return f"{min(hours * 3600 + minutes * 60 + seconds, 86_400)}s"


def _bits(number: int, count: int) -> list[int]:
    return [bit for bit in range(count) if number >> bit & 1]


def _days(task: Task) -> str:
    chosen = _bits(task.run_time_bit_weekdays or 0, 7)
    if not chosen:
        raise Unplanned("it says no weekday")
    return "*" if len(chosen) == 7 else ",".join(DAYS[one] for one in chosen)


def _months(task: Task) -> str:
    chosen = _bits(task.monthly_months_of_year or 0, 12)
    if not chosen:
        raise Unplanned("it says no month")
    return "*" if len(chosen) == 12 else ",".join(str(one + 1) for one in chosen)


def _month_days(number: int) -> str:
    days = [str(one + 1) for one in _bits(number & ~LAST_DAY, 31)]
    if number & LAST_DAY and days:
        raise Unplanned("it runs on the last day of the month and on others, which one cron expression cannot say")
    if not days and not number & LAST_DAY:
        raise Unplanned("it says no day of the month")
    return "L" if number & LAST_DAY else "*" if len(days) == 31 else ",".join(days)


def _month_weeks(task: Task) -> str:
    weeks = task.monthly_weeks_of_month or 0
    days = _bits(task.run_time_bit_weekdays or 0, 7)
    if not days or not weeks:
        raise Unplanned("it says no weekday, or no week of the month")
    if weeks & LAST_WEEK:
        raise Unplanned("it runs in the last week of the month, which cron cannot say")
    return ",".join(f"{DAYS[day]}#{week + 1}" for day in days for week in _bits(weeks, 4))
