"""What waits to be sent, on disk and bounded: the oldest samples go first for room, and results as good as never.

Sequence numbers grow for the life of the spool and are never used again. Results stay bounded because they
coalesce: an unsent result with the same `same` is replaced by the newer one, and once results alone fill the
spool, one with the same `subject` is too. Should there be ever-new subjects, the oldest results are lost where
results take twice the limit: logged, and counted for `guru-agent status`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from typing import Literal, NamedTuple

from guru_agent.logs import say
from guru_agent.state.store import Store, StoreFull, translated
from guru_policy.errors import GuruError
from guru_wire.link import MAX_FRAME
from guru_wire.uplink import RESULT_KINDS

LOG = logging.getLogger(__name__)
Kind = Literal["layout", "sample", "report", "facts", "checks", "refusal", "output", "run", "inventory"]

LIMIT = 32 << 20                        # bytes of bodies and their rows
OVERHEAD = 64                           # bytes that a row costs beside its body
MAX_ITEM = MAX_FRAME // 2
HARD = 2                                # times the limit that results alone may take
LAYOUTS = "layouts"                     # fact: spool id and hashes of the layouts that went into it
INVENTORY = "inventory:"                # facts, by table: what went into it of the inventory
LOST = "lost"                           # fact: how many results were lost for room


class Pending(NamedTuple):
    """One waiting item; `body` is JSON."""

    seq: int
    kind: str
    body: bytes


class Depth(NamedTuple):
    """How much waits."""

    items: int
    bytes: int
    results: int                        # bytes of results alone
    dropped: int                        # samples dropped for room since the program started


class Spool:
    """The spool in the store. `arrived` is set whenever something was added."""

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self._store, self._limit = store, limit
        self.arrived = asyncio.Event()
        self._dropped = 0
        self._full = False
        self._items = self._bytes = self._results = 0
        self.id = store.fact("spool") or self.renew()
        self._count()

    @property
    def depth(self) -> Depth:
        """How much waits now."""
        return Depth(self._items, self._bytes, self._results, self._dropped)

    @property
    def last(self) -> int:
        """The highest sequence number ever given out; 0: none."""
        with translated():
            row = self._store.sql.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        return int(row[0]) if row else 0

    def renew(self) -> str:
        """A new id: the server begins a new mark for it. For a spool that is older than its mark."""
        self.id = secrets.token_hex(16)
        self._store.keep("spool", self.id)
        return self.id

    @property
    def crowded(self) -> bool:
        """Whether results take half of the room: what can be told in fewer words should be."""
        return self._results * 2 > self._limit

    def add_sample(self, body: bytes) -> None:
        """Add telemetry. On a full disk it is dropped, with one log line until there is room again."""
        try:
            self._add("sample", body, None, None)
        except StoreFull as full:
            self.drop(full)
        else:
            self._full = False

    def drop(self, full: StoreFull) -> None:
        """Count a sample that found no room."""
        self._dropped += 1
        if not self._full:
            say(LOG, "telemetry is dropped", logging.ERROR, reason=full.message)
        self._full = True

    def add_result(self, kind: Kind, body: bytes, *, same: str, subject: str) -> None:
        """Add a result; StoreFull when the disk takes it not even after dropping all telemetry.

        `same` names what it says, `subject` what it is about; see the head of this file.
        """
        if kind not in RESULT_KINDS:
            raise GuruError(f"{kind} is not a result")
        try:
            self._add(kind, body, same, subject)
        except StoreFull:
            if self._store.sql.in_transaction:
                raise                   # the transaction is not ours to repeat
            self._shed(self._bytes)
            self._add(kind, body, same, subject)

    def forget_inventory(self) -> None:
        """What was told of the inventory counts for nothing, and what waits is not sent: all of it goes in again."""
        with self._store.transaction() as sql:
            sql.execute("DELETE FROM fact WHERE name GLOB ?", (f"{INVENTORY}*",))
            sql.execute("DELETE FROM spool WHERE kind = 'inventory'")
        self._count()

    def batch(self, most_items: int, most_bytes: int) -> list[Pending]:
        """The oldest items in order: at least one when any waits, else within both bounds."""
        found: list[Pending] = []
        size = 0
        with translated():
            rows = self._store.sql.execute(
                "SELECT seq, kind, body FROM spool ORDER BY seq LIMIT ?", (most_items,)
            )
            for seq, kind, body in rows:
                size += len(body) + OVERHEAD
                if found and size > most_bytes:
                    break
                found.append(Pending(seq, kind, body))
        return found

    def acknowledge(self, mark: int) -> None:
        """Forget everything up to and including this sequence: the server has it."""
        with self._store.transaction() as sql:
            gone = sql.execute("DELETE FROM spool WHERE seq <= ?", (mark,)).rowcount
        if gone:
            self._count()

    def _add(self, kind: Kind, body: bytes, same: str | None, subject: str | None) -> None:
        if len(body) > MAX_ITEM:
            raise GuruError(f"a {kind} of {len(body)} bytes is too large to send")
        size, result = len(body) + OVERHEAD, kind in RESULT_KINDS
        over = self._bytes + size - self._limit
        if over > 0:
            self._shed(over)
        crowded = self._results + size > self._limit
        if kind == "sample" and self._bytes + size > self._limit:
            self._dropped += 1
            return
        with self._store.transaction() as sql:
            replaced = 0
            if result:
                replaced = sql.execute(
                    "DELETE FROM spool WHERE subject = ? AND (same = ? OR ?)", (subject, same, crowded)
                ).rowcount
                replaced += self._lose(size, sql) if crowded else 0
            sql.execute(
                "INSERT INTO spool(kind, result, same, subject, bytes, body) VALUES (?, ?, ?, ?, ?, ?)",
                (kind, result, same, subject, size, body),
            )
        if replaced:
            self._count()
        else:
            self._items, self._bytes = self._items + 1, self._bytes + size
            self._results += size if result else 0
        self.arrived.set()

    def _lose(self, size: int, sql: sqlite3.Connection) -> int:
        """Make room for a result beyond the hard bound: how many of the oldest went."""
        taken = sql.execute("SELECT coalesce(sum(bytes), 0) FROM spool WHERE result = 1").fetchone()[0]
        over = taken + size - HARD * self._limit
        if over <= 0:
            return 0
        over += self._limit // 20       # not one by one
        gone: list[tuple[int, str]] = []
        for seq, kind, freed in sql.execute("SELECT seq, kind, bytes FROM spool WHERE result = 1 ORDER BY seq"):
            if over <= 0:
                break
            over -= freed
            gone.append((seq, kind))
        if not gone:
            return 0
        sql.execute("DELETE FROM spool WHERE result = 1 AND seq <= ?", (gone[-1][0],))
        if any(kind == "layout" for _, kind in gone):
            sql.execute("DELETE FROM fact WHERE name = ?", (LAYOUTS,))      # they go in again
        if any(kind == "inventory" for _, kind in gone):
            self.forget_inventory()
        lost = int(self._store.fact(LOST) or 0) + len(gone)
        self._store.keep(LOST, str(lost))
        say(LOG, "unsent results were lost for room", logging.ERROR, lost=len(gone), ever=lost)
        return len(gone)

    def _shed(self, over: int) -> None:
        """Drop the oldest samples until `over` bytes are free, or no sample is left."""
        freed, last, count = 0, 0, 0
        with translated():
            for seq, size in self._store.sql.execute(
                "SELECT seq, bytes FROM spool WHERE result = 0 ORDER BY seq"
            ):
                if freed >= over:
                    break
                freed, last, count = freed + size, seq, count + 1
        if count:
            with self._store.transaction() as sql:
                sql.execute("DELETE FROM spool WHERE result = 0 AND seq <= ?", (last,))
            self._items, self._bytes = self._items - count, self._bytes - freed
            self._dropped += count

    def _count(self) -> None:
        with translated():
            items, size, results = self._store.sql.execute(
                "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(bytes * result), 0) FROM spool"
            ).fetchone()
        self._items, self._bytes, self._results = items, size, results
