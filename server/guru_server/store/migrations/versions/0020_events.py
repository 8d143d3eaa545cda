"""The stream of events, who was told to be online, and webhooks with their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_events"
down_revision = "0019_signin"
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
    op.create_table(
        "hook", _text("tenant", 64), _text("hook", 200), _text("digest", 64), _number("cursor"),
        sa.Column("failures", sa.Integer(), nullable=False), _number("next_try_at", nullable=True),
        _number("failing_since", nullable=True), _number("disabled_at", nullable=True),
        _number("last_ok_at", nullable=True), sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "hook", name=op.f("pk_hook")),
    )
    op.create_table(
        "hook_delivery", _text("tenant", 64), _text("id", 32), _text("hook", 200), _text("event", 32),
        _text("type", 40), _number("seq"), sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False), sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False), _number("created_at"), _number("done_at", nullable=True),
        _number("failed_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_hook_delivery")),
    )
    waits = sa.text("done_at IS NULL AND failed_at IS NULL")
    op.create_index(
        "ix_hook_delivery_open", "hook_delivery", ["tenant", "hook", "seq"], sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index("ix_hook_delivery_tenant_created_at", "hook_delivery", ["tenant", "created_at"])
