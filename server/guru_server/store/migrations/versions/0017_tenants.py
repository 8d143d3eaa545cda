"""The table of tenants, with the first one. The wall round every tenant's rows is raised by store/migrate.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_tenants"
down_revision = "0016_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, and the tenant that everything of before belongs to."""
    op.create_table(
        "tenant", sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False), sa.Column("quotas", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenant")),
    )
    op.execute("INSERT INTO tenant VALUES ('main', 'active', '{}', 0, 0)")
