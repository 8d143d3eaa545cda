"""Orders about transfers that began, on disk until they end: they are gone on with, where others are lost."""

from __future__ import annotations

from guru_agent.state.store import Store, translated
from guru_wire.orders import Order


class Moving:
    """Those orders, as they were found genuine."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, order: Order) -> None:
        """Keep it; in the transaction that says it begins."""
        with self._store.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO moving VALUES (?, ?)", (order.job, order.model_dump_json()))

    def of(self, job: str) -> Order | None:
        """The order that was kept of a job."""
        with translated():
            row = self._store.sql.execute("SELECT said FROM moving WHERE job = ?", (job,)).fetchone()
        return None if row is None else Order.model_validate_json(row[0])

    def forget(self, job: str) -> None:
        """It ended."""
        with self._store.transaction() as sql:
            sql.execute("DELETE FROM moving WHERE job = ?", (job,))
