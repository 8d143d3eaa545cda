"""Keeps the rulebook in force, in the transaction that brings its revision into force. It decides nothing."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from guru_policy.access.rulebook import Rulebook
from guru_server.rights.tables import rulebook

_KEEP = text(
    "INSERT INTO rulebook (tenant, revision, body) VALUES (:tenant, :revision, :body)"
    " ON CONFLICT (tenant) DO UPDATE SET revision = excluded.revision, body = excluded.body"
)
NOTHING = Rulebook(revision="")


def keep_rulebook(connection: Connection, tenant: str, book: Rulebook) -> None:
    """Put it in the place of the one before."""
    connection.execute(_KEEP, {"tenant": tenant, "revision": book.revision, "body": book.model_dump_json()})


def revision_of_rulebook(connection: Connection, tenant: str) -> str:
    """The revision of the rulebook in force; empty when there is none, and then nobody has rights from Git."""
    query = select(rulebook.c.revision).where(rulebook.c.tenant == tenant)
    return str(connection.execute(query).scalar() or "")


def read_rulebook(connection: Connection, tenant: str) -> Rulebook:
    """The rulebook in force."""
    body = connection.execute(select(rulebook.c.body).where(rulebook.c.tenant == tenant)).scalar()
    return NOTHING if body is None else Rulebook.model_validate_json(body)
