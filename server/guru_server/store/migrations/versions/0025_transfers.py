"""Transfers of files of any size: what they are, their chunks, and the jobs that name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_transfers"
down_revision = "0024_sealing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """There were none."""
    op.create_table(
        "transfer",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("way", sa.String(4), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_transfer"),
    )
    op.create_index("ix_transfer_tenant_used_at", "transfer", ["tenant", "used_at"])
    op.create_table(
        "transfer_chunk",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("transfer", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "transfer", "number", name="pk_transfer_chunk"),
    )
    op.create_table(
        "transfer_use",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("transfer", sa.String(32), nullable=False),
        sa.Column("job", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "transfer", "job", name="pk_transfer_use"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Files are compressed already, or not worth the time: kept as they come.
        op.execute("ALTER TABLE transfer_chunk ALTER COLUMN data SET STORAGE EXTERNAL")
