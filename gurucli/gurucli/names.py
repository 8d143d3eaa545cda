"""The names that completion offers, in a small SQLite file. Losing it loses nothing: it is filled again.

Standard library only, and nothing of ours that is slow: TAB waits for this.
"""

from __future__ import annotations

import os
import sqlite3
import time

TYPE_CHECKING = False                   # importing typing costs TAB five milliseconds, pathlib another five
if TYPE_CHECKING:
    from collections.abc import Iterable

FRESH = 60.0                            # seconds: at most one background refresh in that time
_SCHEMA = """
CREATE TABLE IF NOT EXISTS name (place TEXT, kind TEXT, name TEXT, PRIMARY KEY (place, kind, name)) WITHOUT
ROWID; CREATE TABLE IF NOT EXISTS tried (place TEXT PRIMARY KEY, at REAL) WITHOUT ROWID;
"""


class Names:
    """Names by place (the URL of a server) and kind (device, customer). Every failure is silence."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = os.path.join(folder, "names.db")        # noqa: PTH118

    def replace(self, place: str, kind: str, names: Iterable[str]) -> None:
        """These are all names of that kind now."""
        rows = [(place, kind, name) for name in set(names)]
        with _quiet(), self._open() as database:
            database.execute("DELETE FROM name WHERE place = ? AND kind = ?", (place, kind))
            database.executemany("INSERT OR IGNORE INTO name VALUES (?, ?, ?)", rows)

    def add(self, place: str, kind: str, names: Iterable[str]) -> None:
        """These names exist too."""
        rows = [(place, kind, name) for name in set(names)]
        with _quiet(), self._open() as database:
            database.executemany("INSERT OR IGNORE INTO name VALUES (?, ?, ?)", rows)

    def matching(self, place: str, kind: str, start: str, limit: int = 500) -> list[str]:
        """Names that begin with `start`, sorted."""
        rows: list[tuple[str]] = []
        with _quiet(), self._open() as database:
            rows = database.execute(
                "SELECT name FROM name WHERE place = ? AND kind = ? AND name >= ? AND name < ? ORDER BY name LIMIT ?",
                (place, kind, start, start + "\U0010ffff", limit)).fetchall()
        return [row[0] for row in rows]

    def due(self, place: str) -> bool:
        """Whether a refresh may start now; saying yes counts as one, so that TAB TAB TAB starts one."""
        now, due = time.time(), False
        with _quiet(), self._open() as database:
            row = database.execute("SELECT at FROM tried WHERE place = ?", (place,)).fetchone()
            due = row is None or not 0 <= now - row[0] < FRESH
            if due:
                database.execute("INSERT OR REPLACE INTO tried VALUES (?, ?)", (place, now))
        return due

    def _open(self) -> _Database:
        return _Database(self.path)


class _Database:
    """One connection and one transaction, closed at the end whatever happens."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)      # noqa: PTH103, PTH120
        self._connection = sqlite3.connect(path, timeout=0.2)

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error:
            self._connection.close()
            raise
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._connection.commit()
        finally:
            self._connection.close()


class _quiet:  # noqa: N801 - reads as a word: contextlib costs TAB three milliseconds
    """Completion is a courtesy: a full disk or a damaged cache must never disturb a command."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        return kind is not None and issubclass(kind, sqlite3.Error | OSError)
