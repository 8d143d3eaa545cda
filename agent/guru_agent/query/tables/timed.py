"""Rows of `cron` and `scheduled_tasks`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from guru_agent.query.programs import heard, lines
from guru_agent.query.rows import Row, Wanted

SYSTEM = ("/etc/crontab", "/etc/cron.d")
USERS = "/var/spool/cron/crontabs"
MOST = 1 << 20                          # bytes of one file
_FIELDS = ("minute", "hour", "day_of_month", "month", "day_of_week")


def cron(wanted: Wanted) -> Iterator[Row]:
    """Jobs of the system's files, and of people's where they may be read."""
    for place in SYSTEM:
        for path in _files(Path(wanted.root + place)):
            yield from read_cron(_text(path), str(path), None)
    for path in _files(Path(wanted.root + USERS)):
        yield from read_cron(_text(path), str(path), path.name)


def read_cron(text: str, path: str, user: str | None) -> Iterator[Row]:
    """A crontab's jobs; in the system's own files the user stands before the command, `user` None."""
    for line in text.splitlines():
        words = line.split(None, 6)
        if not words or words[0].startswith("#") or "=" in words[0]:
            continue
        times = 1 if words[0].startswith("@") else 5
        parts = line.split(None, times + (user is None))
        if len(parts) <= times + (user is None):
            continue
        event = parts[0] if times == 1 else None
        fields = dict(zip(_FIELDS, parts, strict=False)) if times == 5 else {}
        yield {"event": event, **fields, "username": user or parts[times], "command": parts[-1], "path": path}


def scheduled_tasks(wanted: Wanted) -> Iterator[Row]:
    """Timers that systemd has loaded."""
    listed = heard("systemctl", "list-timers", "--all", "--output=json", "--no-pager")
    starting = {
        line.split()[0] for line in lines(
            "systemctl", "list-unit-files", "--type=timer", "--state=enabled", "--plain", "--no-legend", "--no-pager")
        if line.split()
    }
    yield from read_timers(listed, starting)


def read_timers(text: str, starting: set[str]) -> Iterator[Row]:
    """`systemctl list-timers --output=json`: times are microseconds since 1970, 0 or null for never."""
    for one in orjson.loads(text or "[]"):
        yield {
            "name": one.get("unit"), "action": one.get("activates"), "enabled": int(one.get("unit") in starting),
            "last_run_time": _seconds(one.get("last")), "next_run_time": _seconds(one.get("next")),
        }


def _seconds(value: object) -> int | None:
    return value // 1_000_000 if isinstance(value, int) and 0 < value < 1 << 63 else None


def _files(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else [place]
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST)
    except OSError:
        return ""
