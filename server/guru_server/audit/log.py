"""Appends to the audit log, in the transaction of what it tells about; it never changes or deletes a row."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection

from guru_server.audit.tables import audit
from guru_server.store.schema import TENANT


def record(
    connection: Connection, now: int, actor: str, action: str, about: str, result: str = "done"
) -> None:
    """Note that `actor` did `action` to `about` at `now` (ms UTC). Long texts are cut."""
    record_many(connection, now, [(actor, action, about, result)])


def record_many(connection: Connection, now: int, notes: Sequence[tuple[str, str, str, str]]) -> None:
    """Note several things at once: actor, action, what about, result."""
    if notes:
        connection.execute(audit.insert(), [
            {"tenant": TENANT, "id": f"{now:016x}{secrets.token_hex(8)}", "at": now, "actor": actor[:128],
             "action": action[:64], "object": about[:256], "result": result[:512]}
            for actor, action, about, result in notes
        ])
