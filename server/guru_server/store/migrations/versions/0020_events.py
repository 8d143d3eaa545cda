"""The stream of events, and who was told to be online."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_events"
down_revision = "0016_approvals"
branch_labels = None
depends_on = None


def _text(name: str, size: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=size), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """The tables, empty."""
    op.create_table(
        "event", _text("tenant", 64), _text("id", 32), _number("seq", nullable=True), _number("at"), _text("type", 40),
        _text("subject", 300), _text("device", 32), _text("job", 32), _text("customer", 63), _text("site", 63),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_tenant_seq", "event", ["tenant", "seq"])
    op.create_index("ix_event_tenant_at", "event", ["tenant", "at"])
    op.create_table(
        "event_head", _text("tenant", 64), _number("seq"), _number("forgotten"),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_event_head")),
    )
    op.create_table(
        "presence", _text("tenant", 64), _text("device", 32), sa.Column("online", sa.Boolean(), nullable=False),
        _number("since"), sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_presence")),
    )
