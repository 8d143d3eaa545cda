"""The ends of scheduled runs for the audit log: a row for each schedule and hour, with counts. It forgets no run.

Thousands of devices end the same schedule in the same night: each of these ends stays in the table of runs, and the log
tells how many there were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from guru_server.audit.log import Deed, append
from guru_server.store.binding import whose

HOUR = 3_600_000                        # ms
WAIT = HOUR                             # beyond its hour, until most devices have told
MOST_ROWS = 200                         # of one time of counting: devices could invent schedules and times
_TAKE = text(
    "UPDATE schedule_run SET uncounted = :no WHERE tenant = :tenant AND uncounted AND due_at < :before"
    " RETURNING schedule, due_at, state"
)


def sum_up(connection: Connection, now: int) -> int:
    """Tell the audit log of the ends of hours that are over and not told yet; how many ends. It appends last."""
    before = (now - WAIT) // HOUR * HOUR
    taken = connection.execute(_TAKE, {"no": False, "tenant": whose(connection), "before": before}).all()
    found: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for row in taken:
        found[row.due_at // HOUR * HOUR, row.schedule][row.state] += 1
    ordered = sorted(found)
    deeds = [_deed(f"schedule:{name}", f"due in the hour from {_told(hour)}", found[hour, name])
             for hour, name in ordered[:MOST_ROWS]]
    rest = ordered[MOST_ROWS:]
    if rest:
        deeds.append(_deed("schedule:", f"of {len(rest)} other schedules and hours", _sum(found[one] for one in rest)))
    append(connection, now, deeds)
    return len(taken)


def _deed(about: str, what: str, counts: Counter[str]) -> Deed:
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return Deed("server", "ScheduledRunsEnded", about, f"{what}: {told}")


def _sum(counts: Iterable[Counter[str]]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for one in counts:
        whole.update(one)
    return whole


def _told(moment: int) -> str:
    try:
        return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "no time that there is"
