"""Up to which time each schedule is settled, and its runs under way, on disk before they begin. It runs nothing.

It is the memory of the runner of scheduled commands: that a run begins and that its time is settled is one
transaction, so that no due time is run twice, whatever is killed.
"""

from __future__ import annotations

from collections.abc import Iterable

from guru_agent.state.store import Store, translated
from guru_wire.running import OfSchedule

REMEMBERED = 1_000                      # runs whose schedule is known without the disk


class Schedules:
    """The memory of schedules in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of: dict[str, OfSchedule] = {}

    def seen(self, name: str, timing: str, now: int) -> int:
        """The time up to which the schedule is settled (ms UTC). One that is new, or has new times, begins at `now`."""
        with translated():
            row = self._store.sql.execute("SELECT timing, seen FROM schedule WHERE name = ?", (name,)).fetchone()
        if row is not None and row[0] == timing:
            return int(row[1])
        self._keep(name, timing, now)
        return now

    def settle(self, name: str, timing: str, seen: int) -> None:
        """Begin anew at this time: for a clock that was set back by far."""
        self._keep(name, timing, seen)

    def only(self, names: Iterable[str]) -> None:
        """Forget the schedules that the device has no more."""
        kept = set(names)
        with translated():
            known = [str(row[0]) for row in self._store.sql.execute("SELECT name FROM schedule")]
        gone = [(name,) for name in known if name not in kept]
        if gone:
            with self._store.transaction() as sql:
                sql.executemany("DELETE FROM schedule WHERE name = ?", gone)

    def expect(self, job: str, schedule: OfSchedule) -> None:
        """This run is about to be handed to the runner."""
        self._of[job] = schedule
        while len(self._of) > REMEMBERED:
            del self._of[next(iter(self._of))]

    def of(self, job: str) -> OfSchedule | None:
        """The schedule of a run."""
        return self._of.get(job)

    def knows(self, job: str) -> bool:
        """Whether the run is under way."""
        with translated():
            return self._store.sql.execute("SELECT 1 FROM scheduled WHERE job = ?", (job,)).fetchone() is not None

    def begin(self, job: str, expires_at: int, now: int) -> None:
        """Keep that the run begins and that its time is settled. StoreFull when the disk takes it not."""
        schedule = self._of[job]
        with self._store.transaction() as sql:
            self._settled(schedule)
            sql.execute("INSERT INTO scheduled VALUES (?, ?, ?, ?)", (job, expires_at, now, schedule.model_dump_json()))

    def end(self, job: str, expires_at: int, now: int) -> None:
        """Keep that the run is over, or shall never begin."""
        schedule = self._of.get(job)
        with self._store.transaction() as sql:
            if schedule is not None:
                self._settled(schedule)
            sql.execute("DELETE FROM scheduled WHERE job = ?", (job,))

    def begun(self) -> list[tuple[str, int, int]]:
        """Runs that began and never ended: id, the time they could begin until, and when they began."""
        with translated():
            rows = self._store.sql.execute("SELECT job, expires_at, started_at, said FROM scheduled").fetchall()
        for job, _, _, said in rows:
            self.expect(str(job), OfSchedule.model_validate_json(said))
        return [(str(job), int(expires), int(started)) for job, expires, started, _ in rows]

    def _settled(self, schedule: OfSchedule) -> None:
        with self._store.transaction() as sql:
            sql.execute("UPDATE schedule SET seen = max(seen, ?) WHERE name = ?", (schedule.due, schedule.name))

    def _keep(self, name: str, timing: str, seen: int) -> None:
        with self._store.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO schedule VALUES (?, ?, ?)", (name, timing, seen))
