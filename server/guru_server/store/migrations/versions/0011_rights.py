"""Rights from Git: the rulebook in force, tokens for less than everything, and what bounds windows and jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_rights"
down_revision = "0010_telling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, empty until the server has read its repository again, and what tokens, windows and jobs are for."""
    op.create_table(
        "rulebook",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_rulebook")),
    )
    with op.batch_alter_table("maintenance") as table:
        table.add_column(sa.Column("devices", sa.Text(), nullable=True))
    with op.batch_alter_table("job") as table:
        table.add_column(sa.Column("command_class", sa.String(length=64), nullable=False, server_default=""))
    with op.batch_alter_table("api_token") as table:
        table.add_column(sa.Column("kind", sa.String(length=8), nullable=False, server_default="person"))
        table.add_column(sa.Column("verbs", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("scope", sa.String(length=200), nullable=False, server_default="org"))
        table.add_column(sa.Column("addresses", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("created_by", sa.String(length=128), nullable=False, server_default=""))
