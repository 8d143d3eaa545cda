"""Rows of `events`, of systemd's journal."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from guru_agent.query.programs import lines
from guru_agent.query.rows import Row, Wanted

NEWEST = 1000                           # when the query does not say from when
MOST = 100_000
_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_SYSTEMD_UNIT,UNIT,_BOOT_ID"


def events(wanted: Wanted) -> Iterator[Row]:
    """Entries, the newest first."""
    since = wanted.least("time")
    argv = ["journalctl", "--output=json", f"--output-fields={_FIELDS}", "--no-pager", "--reverse", "--quiet"]
    argv += ["--since=-1day", f"--lines={NEWEST}"] if since is None else [f"--since=@{int(since)}", f"--lines={MOST}"]
    unit, identifier, priority = wanted.equal("unit"), wanted.equal("identifier"), wanted.equal("priority")
    if isinstance(unit, str):
        argv.append(f"--unit={unit}")
    if isinstance(identifier, str):
        argv.append(f"--identifier={identifier}")
    if isinstance(priority, int) and 0 <= priority <= 7:
        argv.append(f"--priority={priority}..{priority}")
    for line in lines(*argv):
        yield read_entry(line)


def read_entry(line: str) -> Row:
    """One line of `journalctl --output=json`: everything is text; a message that is not is a list of bytes."""
    found = orjson.loads(line)
    message = found.get("MESSAGE")
    if isinstance(message, list):
        message = bytes(part for part in message if isinstance(part, int) and 0 <= part < 256).decode(errors="replace")
    at = found.get("__REALTIME_TIMESTAMP", "")
    return {
        "time": int(at) // 1_000_000 if at.isdigit() else None,
        "unit": found.get("UNIT") or found.get("_SYSTEMD_UNIT"), "identifier": found.get("SYSLOG_IDENTIFIER"),
        "pid": _number(found.get("_PID")), "priority": _number(found.get("PRIORITY")), "message": message,
        "boot": found.get("_BOOT_ID"),
    }


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() else None
