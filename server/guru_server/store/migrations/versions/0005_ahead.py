"""The serial that a device holds although this database never gave it: it came from an older backup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_ahead"
down_revision = "0004_pins"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column."""
    with op.batch_alter_table("device_state") as table:
        table.add_column(sa.Column("ahead_serial", sa.BigInteger(), nullable=False, server_default="0"))
