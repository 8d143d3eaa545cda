"""The rulebook in force and what it gives to whom, held in memory between requests. It reads, and writes nothing."""

from __future__ import annotations

from sqlalchemy import Connection

from guru_policy.access.builtin import BUILT_IN
from guru_policy.access.grants import Grants, grants_of
from guru_policy.access.rulebook import Rulebook
from guru_server.rights.store import NOTHING, read_rulebook, revision_of_rulebook

MOST = 2_000                            # subjects whose grants are kept


class Holding:
    """Compiled once for a revision and a subject. A new revision counts from the next request on."""

    def __init__(self) -> None:
        self._book = NOTHING
        self._grants: dict[tuple[str, frozenset[str]], Grants] = {}

    def book(self, connection: Connection, tenant: str) -> Rulebook:
        """The rulebook in force now: one short query, and the book only when its revision moved."""
        revision = revision_of_rulebook(connection, tenant)
        book = self._book
        if book.revision != revision:
            book = read_rulebook(connection, tenant) if revision else NOTHING
            self._book = book
        return book

    def grants(self, book: Rulebook, names: frozenset[str], fixed: str = "") -> Grants:
        """What the subject has: with a fixed role that and nothing from Git, else what bindings give it."""
        used = BUILT_IN if fixed else book
        key = used.revision, frozenset({f"role:{fixed}"}) if fixed else names
        known = self._grants.get(key)
        if known is None:
            if len(self._grants) >= MOST:
                self._grants.clear()
            known = self._grants[key] = grants_of(used, key[1])
        return known
