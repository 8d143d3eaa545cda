"""Which jobs this device has begun, on disk before they begin: at most once, whatever is killed. It runs nothing."""

from __future__ import annotations

from guru_agent.state.store import Store, translated
from guru_policy.errors import Untrusted
from guru_wire.orders import Authority

KEPT = 2_000                            # jobs that ended are remembered at least this many
GRACE_MS = 24 * 3600 * 1000             # and a day beyond the time at which they could begin
FLOOR, BORN, AUTHORITY = "orders_floor", "orders_born", "authority"


class Runs:
    """The memory of jobs in the store. A row is there from before a job begins."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def knows(self, job: str) -> bool:
        """Whether the job began, or was cancelled, here."""
        with translated():
            return self._store.sql.execute("SELECT 1 FROM run WHERE job = ?", (job,)).fetchone() is not None

    def begin(self, job: str, expires_at: int, now: int) -> None:
        """Keep that the job begins, on disk when this returns. StoreFull when the disk takes it not."""
        with self._store.transaction() as sql:
            sql.execute("INSERT INTO run VALUES (?, ?, ?, 0)", (job, expires_at, now))

    def end(self, job: str, expires_at: int, now: int) -> None:
        """Keep that the job ended, or shall never begin. Old ones are forgotten, and what they forbid is not."""
        with self._store.transaction() as sql:
            sql.execute(
                "INSERT INTO run VALUES (?, ?, NULL, 1) ON CONFLICT (job) DO UPDATE SET ended = 1", (job, expires_at)
            )
            count = sql.execute("SELECT count(*) FROM run").fetchone()[0]
            if count <= KEPT + KEPT // 10:
                return
            old = sql.execute(
                "SELECT job, expires_at FROM run WHERE ended = 1 AND expires_at < ? ORDER BY expires_at LIMIT ?",
                (now - GRACE_MS, count - KEPT),
            ).fetchall()
            if old:
                sql.executemany("DELETE FROM run WHERE job = ?", [(row[0],) for row in old])
                self._store.keep(FLOOR, str(max(self.floor, old[-1][1])))

    def begun(self) -> list[tuple[str, int, int]]:
        """Jobs that began and never ended: id, the time they could begin until, and when they began."""
        with translated():
            rows = self._store.sql.execute("SELECT job, expires_at, started_at FROM run WHERE ended = 0").fetchall()
        return [(str(job), int(expires), int(started)) for job, expires, started in rows]

    @property
    def floor(self) -> int:
        """Orders that could begin until then, or earlier, are over, whatever any clock says (ms UTC)."""
        return int(self._store.fact(FLOOR) or 0)

    @property
    def born(self) -> int:
        """Since when this memory knows everything (ms UTC); 0: not yet."""
        return int(self._store.fact(BORN) or 0)

    def be_born(self, now: int) -> None:
        """From `now` on this memory knows everything: what was ordered before may have run."""
        self._store.keep(BORN, str(now))

    def authority(self, found: Authority) -> None:
        """Take a genuine authority; Untrusted when a newer one with another key was seen."""
        kept = self._store.fact(AUTHORITY)
        if kept is not None:
            known = Authority.model_validate_json(kept)
            if known.issued_at > found.issued_at and known.key != found.key:
                raise Untrusted("the key of an order was replaced by a newer one")
            if known.issued_at >= found.issued_at:
                return
        self._store.keep(AUTHORITY, found.model_dump_json())
