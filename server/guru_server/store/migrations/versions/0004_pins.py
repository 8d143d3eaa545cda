"""Pins: the revision that somebody rolled back to, and the trees that are held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_pins"
down_revision = "0003_signatures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty: nobody rolled anything back before."""
    op.create_table(
        "pin",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "revision", name=op.f("pk_pin")),
    )
