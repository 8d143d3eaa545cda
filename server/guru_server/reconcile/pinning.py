"""The pin of a rollback: kept, read, and asked whether a commit is held by it. It brings nothing into force."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, delete, select

from guru_server.reconcile.tables import pin, revision
from guru_wire.operator import Condition

GOOD = ("published", "partly-held")
MOST_HELD = 50                          # trees; the oldest is forgotten first


class Held(NamedTuple):
    """A commit that was rolled back, and the id of its tree: another commit of that tree is held too."""

    revision: str
    tree: str


class Pin(NamedTuple):
    """Who rolled back to what, why and when (ms UTC)."""

    revision: str
    held: tuple[Held, ...]
    actor: str
    reason: str
    since: int

    def holds(self, tree: str) -> bool:
        """Whether a commit of this tree stays out."""
        return any(one.tree == tree for one in self.held)

    def told(self) -> str:
        """One sentence for people."""
        newest = self.held[-1].revision[:12] if self.held else "nothing"
        deed = f"{self.actor} rolled back to {self.revision[:12]}: {self.reason}"
        return f"{deed}; {newest} is held until a commit differs"


def pinned(connection: Connection, tenant: str) -> Pin | None:
    """The pin in force."""
    row = connection.execute(select(pin).where(pin.c.tenant == tenant)).one_or_none()
    if row is None:
        return None
    held = tuple(Held(*one) for one in orjson.loads(row.held))
    return Pin(row.revision, held, row.actor, row.reason, row.since)


def set_pin(connection: Connection, tenant: str, wanted: Pin | None) -> None:
    """Make this the only pin; None takes it away."""
    connection.execute(delete(pin).where(pin.c.tenant == tenant))
    if wanted is not None:
        held = orjson.dumps([list(one) for one in wanted.held[-MOST_HELD:]]).decode()
        connection.execute(pin.insert().values(
            tenant=tenant, revision=wanted.revision, held=held, actor=wanted.actor[:128],
            reason=wanted.reason, since=wanted.since,
        ))


def good_before(connection: Connection, tenant: str, present: str | None, held: Pin | None) -> str | None:
    """The newest revision that was in force before the present one and is not held."""
    out = {one.revision for one in held.held} if held else set()
    rows = connection.execute(
        select(revision.c.revision)
        .where(revision.c.tenant == tenant, revision.c.outcome.in_(GOOD))
        .order_by(revision.c.seq.desc()).limit(MOST_HELD + 2)
    ).scalars()
    return next((one for one in rows if one != present and one not in out), None)


def condition(held: Pin) -> Condition:
    """What `guru status` shows for as long as the pin stands."""
    return Condition(type="Held", status=True, reason="RolledBack", message=held.told(), since=held.since)
