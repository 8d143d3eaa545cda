"""Scheduled runs: ends to be counted, cancellations. The inventory: what standing queries add."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_standing"
down_revision = "0022_scim"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there stays as it is: its ends stand in the audit log already."""
    for name in ("uncounted", "ending"):
        op.add_column("schedule_run", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("schedule_run", sa.Column("cancel", sa.Text(), nullable=True))
    for name, column in (("uncounted", "due_at"), ("ending", "device")):
        where = sa.text(name)
        op.create_index(
            f"ix_schedule_run_{name}", "schedule_run", ["tenant", column], sqlite_where=where, postgresql_where=where)
    for named, kind in (("columns", sa.Text()), ("about", sa.String(length=64)), ("problem", sa.String(length=300))):
        op.add_column("inventory_state", sa.Column(named, kind, nullable=False, server_default=""))
    op.create_index("ix_inventory_change_tenant_kind_at", "inventory_change", ["tenant", "kind", "at"])
