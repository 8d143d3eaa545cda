"""What was last said of each check, so that only news are sent. It runs no check."""

from __future__ import annotations

import logging
from typing import NamedTuple

from guru_agent.clock import Clock
from guru_agent.logs import plain, say
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreFull, translated
from guru_policy.verdict import State, Verdict
from guru_wire.uplink import CheckResult, Checks

LOG = logging.getLogger(__name__)
RESEND = 900.0                          # seconds until an unchanged state is told again
MOST_TEXT = 500                         # characters of a message
CLOCK_SET = 60_000                      # ms by which a clock must differ to have been set meanwhile


class Known(NamedTuple):
    """`since` is ms UTC; `sent` and `began` monotonic seconds, None: not since the program started."""

    digest: str
    state: State
    since: int
    sent: float | None
    began: float | None = None


class Verdicts:
    """The last verdicts, kept in the store across restarts."""

    def __init__(self, store: Store, spool: Spool, clock: Clock) -> None:
        self._store, self._spool, self._clock = store, spool, clock
        with translated():
            rows = store.sql.execute("SELECT check_id, spec, state, since FROM verdict").fetchall()
        self._known = {row[0]: Known(row[1], State(row[2]), row[3], None) for row in rows}

    def found(self, check: str, digest: str, verdict: Verdict) -> None:
        """Take a verdict; it goes into the spool when it is news or was not told for a while.

        `digest` names the check as it was run: after a change of its spec its state counts from now.
        """
        now = self._clock.monotonic()
        known = self._known.get(check)
        fresh = known is None or known.state is not verdict.state or known.digest != digest
        if known is not None and not fresh and known.sent is not None and now - known.sent < RESEND:
            return
        since = self._clock.now() if known is None or fresh else self._since(known, now)
        began = now if known is None or fresh else known.began
        plain_verdict = verdict.model_copy(update={
            "message": plain(verdict.message, MOST_TEXT), "unit": plain(verdict.unit, 16)
        })
        result = CheckResult(check=check, at=self._clock.now(), since=since, verdict=plain_verdict)
        try:
            with self._store.transaction() as sql:
                self._spool.add_result(
                    "checks", Checks(results=(result,)).model_dump_json().encode(),
                    same=f"{digest}:{verdict.state}:{since}", subject=f"check:{check}",
                )
                sql.execute(
                    "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?)",
                    (check, digest, verdict.state, since),
                )
        except StoreFull as full:
            say(LOG, "a verdict waits", logging.ERROR, check=check, reason=full.message)
            return
        self._known[check] = Known(digest, verdict.state, since, now, began)
        if fresh:
            say(LOG, "check changed", check=check, state=verdict.state.value, message=plain_verdict.message)

    def _since(self, known: Known, now: float) -> int:
        """Since when, by the clock as it is now: a device may have begun with a wrong one."""
        if known.began is None:
            return known.since
        measured = self._clock.now() - int((now - known.began) * 1000)
        return measured if abs(measured - known.since) > CLOCK_SET else known.since

    def forget_others(self, checks: frozenset[str]) -> None:
        """Drop what is known of checks that are not run any more."""
        gone = [name for name in self._known if name not in checks]
        if not gone:
            return
        with self._store.transaction() as sql:
            sql.executemany("DELETE FROM verdict WHERE check_id = ?", [(name,) for name in gone])
        for name in gone:
            del self._known[name]
