"""Finds rows of the audit log by who, what, when and where; newest first, a page at a time. It only reads."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, or_, select

from guru_server.audit.tables import audit
from guru_server.cursors import Key
from guru_wire.audit_chain import Entry

_EXACT = ("actor", "action", "object", "device", "customer", "revision")


class Wish(NamedTuple):
    """What to look for. Times are ms UTC; a text that ends in `*` is the beginning of what is looked for."""

    since: int = 0
    until: int | None = None
    actor: str = ""
    action: str = ""
    object: str = ""
    device: str = ""
    customer: str = ""
    revision: str = ""
    text: str = ""                      # anywhere in actor, action, object or result


class Found(NamedTuple):
    """A page, how many rows match in all, and the key of the last row when there may be more."""

    entries: list[Entry]
    total: int
    next: Key | None


def find(connection: Connection, tenant: str, wish: Wish, limit: int, last: Key | None) -> Found:
    """The newest rows that match, after the one of the key `last`: its number, and how many matched at first."""
    matching = [audit.c.tenant == tenant, *_conditions(wish)]
    if last is not None:                # counted for the first page alone
        total = int(last[1])
    else:
        total = connection.execute(select(func.count()).select_from(audit).where(*matching)).scalar_one()
    columns = [audit.c[field] for field in Entry._fields]
    query = select(*columns).where(*matching).order_by(audit.c.seq.desc()).limit(limit)
    if last is not None:
        query = query.where(audit.c.seq < last[0])
    entries = [Entry(*row) for row in connection.execute(query)]
    more = len(entries) == limit and entries[-1].seq > 1
    return Found(entries, total, (entries[-1].seq, total) if more else None)


def _conditions(wish: Wish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wish.since:
        found.append(audit.c.at >= wish.since)
    if wish.until is not None:
        found.append(audit.c.at < wish.until)
    for name in _EXACT:
        value: str = getattr(wish, name)
        if value.endswith("*"):
            found.append(audit.c[name].startswith(value[:-1], autoescape=True))
        elif value:
            found.append(audit.c[name] == value)
    if wish.text:
        words = ("actor", "action", "object", "result")
        found.append(or_(*(audit.c[name].icontains(wish.text, autoescape=True) for name in words)))
    return found
