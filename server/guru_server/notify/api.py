"""Notify's part of the API: what was told to whom, and what nobody took. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from guru_server.api.late import late_router
from guru_server.cursors import Key, Paged
from guru_server.notify import outbox
from guru_server.rights.asking import Asking, Sight
from guru_server.rights.declaring import needs
from guru_server.store.database import Database
from guru_wire.alerting import NotificationRow
from guru_wire.operator import Page


def router(db: Database) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["alerts"])

    @router.get("/notifications")
    @needs("alert.read", of="devices")
    async def listed(
        rights: Asking,
        paging: Paged,
        state: Literal["waiting", "delivered", "failed"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Page[NotificationRow]:
        """The notes to channels, the newest first, with the error of the last try."""
        sight = await rights.sight("alert.read")
        last = paging.after(int, str)
        rows, total = await db.read(lambda connection: _seen(connection, state, limit + 1, last, sight))
        page = rows[:limit]
        after = paging.cursor((page[-1].created_at, page[-1].note.id)) if len(rows) > limit else None
        return Page[NotificationRow](items=tuple(note_row(row) for row in page), total=total, next=after)

    return router


def _seen(
    connection: Connection, state: str | None, limit: int, last: Key | None, sight: Sight
) -> tuple[list[outbox.NoteState], int]:
    """Notes and how many there are; only those of customers that are in sight as a whole."""
    if sight.whole:
        return outbox.notes(connection, state, limit, last), outbox.count(connection, state)
    rows = [row for row in outbox.notes(connection, state, None) if sight.place(row.note.customer)]
    rest = [row for row in rows if last is None or (-row.created_at, row.note.id) > (-int(last[0]), last[1])]
    return rest[:limit], len(rows)


def note_row(row: outbox.NoteState) -> NotificationRow:
    """A note as people see it."""
    return NotificationRow(
        id=row.note.id, alert=row.note.alert, customer=row.note.customer, channel=row.note.channel,
        event=row.note.event, state=row.state, attempts=row.note.attempts, created_at=row.created_at,
        finished_at=row.finished_at, error=row.error, step=row.note.by.step, round=row.note.by.round,
    )
