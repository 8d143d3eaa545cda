"""Jobs that wait for the signer say why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_signer"
down_revision = "0013_device_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is held yet."""
    with op.batch_alter_table("job") as table:
        table.add_column(sa.Column("held", sa.String(length=512), nullable=False, server_default=""))
