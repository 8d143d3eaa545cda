"""Overrides: what people put in the place of what Git says, for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_overrides"
down_revision = "0006_audit_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty, and the index over those that have not ended."""
    op.create_table(
        "override",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ending", sa.String(length=16), nullable=False),
        sa.Column("unfit", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("tenant", "id", "device", "path", name=op.f("pk_override")),
    )
    op.create_index(
        "uq_override_path", "override", ["tenant", "device", "path"], unique=True,
        sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"),
    )
