"""Signed checkpoints of the chain, and how far they are anchored: what is stored, and what may be let go.

It signs nothing itself, and lets rows go only up to a checkpoint, which then stays as the chain's root.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from guru_server.audit.log import record
from guru_server.audit.tables import audit, audit_anchor, audit_checkpoint, audit_head
from guru_wire.audit_chain import GENESIS, Checkpoint, Position

_LET_GO = {
    "postgresql": "SELECT guru_audit_let_go(:tenant, :most)",
    "sqlite": "DELETE FROM audit WHERE tenant = :tenant AND seq IN (SELECT seq FROM audit WHERE tenant = :tenant"
    " AND seq <= (SELECT root FROM audit_head WHERE tenant = :tenant) ORDER BY seq LIMIT :most)",
}
_ANCHORED = text(
    "INSERT INTO audit_anchor (tenant, name, place, seq, mark, anchored_at, error)"
    " VALUES (:tenant, :name, :place, :seq, :mark, :anchored_at, :error)"
    " ON CONFLICT (tenant, name) DO UPDATE SET place = excluded.place, seq = excluded.seq, mark = excluded.mark,"
    " anchored_at = excluded.anchored_at, error = excluded.error"
)


class Head(NamedTuple):
    """Where the chain stands, and the checkpoint at which what is left of it begins (0: at the first row)."""

    at: Position
    root: int


class Anchored(NamedTuple):
    """How far a place outside holds the checkpoints. `error` is empty when the last try went well."""

    name: str
    place: str
    seq: int = 0
    mark: str = ""
    anchored_at: int | None = None
    error: str = ""


def head(connection: Connection, tenant: str) -> Head:
    """Where the chain stands now."""
    row = connection.execute(select(audit_head).where(audit_head.c.tenant == tenant)).one_or_none()
    return Head(Position(row.seq, row.hash), row.root) if row else Head(Position(0, GENESIS), 0)


def newest(connection: Connection, tenant: str) -> Checkpoint | None:
    """The newest checkpoint."""
    query = select(audit_checkpoint).where(audit_checkpoint.c.tenant == tenant)
    row = connection.execute(query.order_by(audit_checkpoint.c.seq.desc()).limit(1)).one_or_none()
    return Checkpoint(*row) if row else None


def keep(connection: Connection, checkpoint: Checkpoint) -> None:
    """Store a new checkpoint."""
    connection.execute(audit_checkpoint.insert().values(checkpoint._asdict()))


def between(
    connection: Connection, tenant: str, first: int, last: int | None = None, most: int = 1000
) -> list[Checkpoint]:
    """The checkpoints of rows `first` to `last`, in order, and at most so many."""
    query = select(audit_checkpoint).where(audit_checkpoint.c.tenant == tenant, audit_checkpoint.c.seq >= first)
    if last is not None:
        query = query.where(audit_checkpoint.c.seq <= last)
    return [Checkpoint(*row) for row in connection.execute(query.order_by(audit_checkpoint.c.seq).limit(most))]


def anchors(connection: Connection, tenant: str) -> dict[str, Anchored]:
    """Every anchor by name."""
    columns = [audit_anchor.c[field] for field in Anchored._fields]
    rows = connection.execute(select(*columns).where(audit_anchor.c.tenant == tenant))
    return {row.name: Anchored(*row) for row in rows}


def note_anchor(connection: Connection, tenant: str, anchored: Anchored) -> None:
    """Remember how far an anchor is, or why not."""
    connection.execute(_ANCHORED, {**anchored._asdict(), "tenant": tenant})


def set_root(connection: Connection, tenant: str, before: int, now: int) -> int:
    """Make the newest checkpoint of before `before` (ms UTC) the root of the chain; its row, 0 when none is newer.

    Nothing is deleted yet: let_go does that, in steps.
    """
    old = head(connection, tenant).root
    query = select(func.max(audit_checkpoint.c.seq)).where(
        audit_checkpoint.c.tenant == tenant, audit_checkpoint.c.at < before, audit_checkpoint.c.seq > old
    )
    root = int(connection.execute(query).scalar() or 0)
    if root:
        record(connection, now, "server", "AuditLetGo", "audit",
               f"rows {old + 1} to {root} are older than the policy keeps", tenant=tenant)
        connection.execute(audit_head.update().where(audit_head.c.tenant == tenant).values(root=root))
    return root


def let_go(connection: Connection, tenant: str, most: int) -> int:
    """Delete at most so many of the rows below the root, and the checkpoints below it; how many rows went."""
    statement = text(_LET_GO[connection.dialect.name])
    done = connection.execute(statement, {"tenant": tenant, "most": most})
    if connection.dialect.name == "postgresql":
        return int(done.scalar_one())
    root = select(audit_head.c.root).where(audit_head.c.tenant == tenant).scalar_subquery()
    mine = (audit_checkpoint.c.tenant == tenant, audit_checkpoint.c.seq < root)
    connection.execute(audit_checkpoint.delete().where(*mine))
    return done.rowcount


def oldest_kept(connection: Connection, tenant: str) -> int | None:
    """The number of the first row that is still there."""
    return connection.execute(select(func.min(audit.c.seq)).where(audit.c.tenant == tenant)).scalar()


def lines(found: Sequence[Checkpoint]) -> dict[int, list[Checkpoint]]:
    """Checkpoints by row."""
    marks: dict[int, list[Checkpoint]] = {}
    for one in found:
        marks.setdefault(one.seq, []).append(one)
    return marks
