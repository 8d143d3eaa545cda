"""Enrolment tokens for devices whose key is sealed, and for no others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_sealing"
down_revision = "0023_standing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tokens that are there ask for nothing of the kind."""
    with op.batch_alter_table("enrolment_token") as table:
        table.add_column(sa.Column("sealed", sa.Boolean(), nullable=False, server_default=sa.false()))
