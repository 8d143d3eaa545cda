"""What must survive a kill in the middle of a run: what is being done, is due, or failed. It does nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from guru_agent.state.store import Store, translated
from guru_wire.uplink import Change


class Doing(NamedTuple):
    """A resource whose steps were begun, and whose outcome no report tells yet."""

    spec: str
    change: Change
    steps: tuple[str, ...]


class Due(NamedTuple):
    """A resource that is to be triggered, since another one was about to change."""

    cause: str
    change: Change


class Failures(NamedTuple):
    """How often a resource failed in a row with the same spec. `tried_at` is ms UTC."""

    spec: str
    times: int
    tried_at: int
    message: str


class Journal:
    """The journal in the store. Each method is one transaction, or a part of the caller's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, resource: str, doing: Doing, triggers: tuple[str, ...]) -> None:
        """Write down, before its first step, what a resource will do and whom it triggers."""
        with self._store.transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO doing VALUES (?, ?, ?, ?)",
                (resource, doing.spec, doing.change, json.dumps(doing.steps)),
            )
            sql.executemany(
                "INSERT OR IGNORE INTO due VALUES (?, ?, ?)",
                [(target, resource, doing.change) for target in triggers],
            )

    def doing(self) -> dict[str, Doing]:
        """What was begun and is in no report yet, by resource."""
        with translated():
            rows = self._store.sql.execute("SELECT resource, spec, change, steps FROM doing").fetchall()
        return {row[0]: Doing(row[1], Change(row[2]), tuple(json.loads(row[3]))) for row in rows}

    def reported(self) -> None:
        """Everything that was done is in a report now."""
        with self._store.transaction() as sql:
            sql.execute("DELETE FROM doing")

    def due(self, resource: str) -> list[Due]:
        """Why this resource is to be triggered: nothing, or everything that changed and triggers it."""
        with translated():
            rows = self._store.sql.execute(
                "SELECT cause, change FROM due WHERE resource = ? ORDER BY cause", (resource,)
            ).fetchall()
        return [Due(cause, Change(change)) for cause, change in rows]

    def triggered(self, resource: str, due: Sequence[Due]) -> None:
        """These triggers of the resource were carried out, or are not wanted."""
        if due:
            with self._store.transaction() as sql:
                sql.executemany(
                    "DELETE FROM due WHERE resource = ? AND cause = ?", [(resource, one.cause) for one in due]
                )

    def settled(self) -> dict[str, str]:
        """The spec with which each resource last stood as it should be."""
        with translated():
            return dict(self._store.sql.execute("SELECT resource, spec FROM settled").fetchall())

    def settle(self, resource: str, spec: str) -> None:
        """The resource stands as it should be; its failures are forgotten."""
        with self._store.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO settled VALUES (?, ?)", (resource, spec))
            sql.execute("DELETE FROM backoff WHERE resource = ?", (resource,))

    def failures(self) -> dict[str, Failures]:
        """The failures of each resource that did not succeed since."""
        with translated():
            rows = self._store.sql.execute(
                "SELECT resource, spec, failures, tried_at, message FROM backoff"
            ).fetchall()
        return {row[0]: Failures(*row[1:]) for row in rows}

    def fail(self, resource: str, failures: Failures) -> None:
        """Keep that the resource failed."""
        with self._store.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO backoff VALUES (?, ?, ?, ?, ?)", (resource, *failures))

    def retry_all(self) -> None:
        """Forget how often resources failed: the desired state changed."""
        with self._store.transaction() as sql:
            sql.execute("DELETE FROM backoff")

    def forget_others(self, resources: frozenset[str]) -> None:
        """Drop what is kept of resources that the bundle does not name any more."""
        for table in ("due", "settled", "backoff"):
            with translated():
                known = self._store.sql.execute(f"SELECT resource FROM {table}").fetchall()   # noqa: S608 ours
            gone = [row for row in known if row[0] not in resources]
            if gone:
                with self._store.transaction() as sql:
                    sql.executemany(f"DELETE FROM {table} WHERE resource = ?", gone)          # noqa: S608
