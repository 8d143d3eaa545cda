"""Looks at every statement that a test's handle runs on SQLite: one that touches a table says whose rows it means.

PostgreSQL has row-level security for that. Here each statement must compare each table's `tenant`, or insert it, and
every tenant that it names must be the handle's own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from sqlalchemy import Connection, Engine, event

from guru_server.store.binding import LANDLORD
from guru_server.tables import metadata

_TABLE = re.compile(rf'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?({"|".join(metadata.tables)})\b', re.IGNORECASE)
_WHOSE = re.compile(r"\btenant\"?\s*=\s*\?|INTO \"?\w+\"? \([^)]*\btenant\b", re.IGNORECASE)


class Unsaid(AssertionError):
    """A statement that would reach another tenant's rows."""


def watch() -> None:
    """From now on every engine of this process is looked at."""
    event.listen(Engine, "before_cursor_execute", _look)


def _look(
    connection: Connection, _cursor: object, statement: str, parameters: object, context: object, _many: bool
) -> None:
    own = connection.info.get("guru.tenant")
    if own in (None, LANDLORD) or connection.dialect.name != "sqlite" or not _TABLE.search(statement):
        return
    if statement.startswith("CREATE") or not _of_the_server(sys._getframe(1)):
        return
    if not _WHOSE.search(statement):
        raise Unsaid(f"this names no tenant: {statement[:300]}")
    compiled = getattr(context, "compiled_parameters", None) or ()
    rows: Sequence[Mapping[str, object]] = [row for row in compiled if isinstance(row, Mapping)]
    named = {str(value) for row in rows for name, value in row.items() if re.fullmatch(r"tenant(_\d+)?", name)}
    if named - {own}:
        raise Unsaid(f"{own} asks for {sorted(named - {own})}: {statement[:300]}")


def _of_the_server(frame: FrameType | None) -> bool:
    """Whether the server wrote the statement, and not a test."""
    while frame is not None and "/sqlalchemy/" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and "/guru_server/" in frame.f_code.co_filename
