"""Secrets sealed to devices: what they are sealed to, the ciphertext, and its digest in the manifest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_secrets"
down_revision = "0007_overrides"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns, empty for what is there, and a table."""
    with op.batch_alter_table("device") as table:
        table.add_column(sa.Column("sealing_key", sa.String(length=44), nullable=False, server_default=""))
    with op.batch_alter_table("manifest") as table:
        table.add_column(sa.Column("sealed", sa.String(length=64), nullable=False, server_default=""))
    op.create_table(
        "sealed",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_of", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "device", "digest", name=op.f("pk_sealed")),
    )
    op.create_index("ix_sealed_digest", "sealed", ["tenant", "digest"])
