"""Who signed for a revision. What came into force before was not checked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_signatures"
down_revision = "0002_refusals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns."""
    with op.batch_alter_table("revision") as table:
        table.add_column(sa.Column("signature", sa.String(length=16), nullable=False, server_default="unchecked"))
        table.add_column(sa.Column("signer", sa.Text(), nullable=False, server_default=""))
