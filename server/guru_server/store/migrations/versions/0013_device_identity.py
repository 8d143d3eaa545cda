"""Devices that wait or are in quarantine, keys that never come back, and what enrolment tokens carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_device_identity"
down_revision = "0012_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns with what holds for everything that is there already; revoked keys get their tombstones."""
    with op.batch_alter_table("device") as table:
        table.add_column(sa.Column("held", sa.String(length=16), nullable=False, server_default=""))
        table.add_column(sa.Column("held_why", sa.String(length=200), nullable=False, server_default=""))
        table.add_column(sa.Column("held_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("hardware", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("key_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("rotate_asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    held = sa.text("held_at IS NOT NULL")
    op.create_index("ix_device_held_at", "device", ["tenant", "held_at"], sqlite_where=held, postgresql_where=held)
    op.create_index("ix_device_hardware", "device", ["tenant", "hardware"])
    with op.batch_alter_table("device_state") as table:
        table.add_column(sa.Column("processes", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("enrolment_token") as table:
        table.add_column(sa.Column("labels", sa.Text(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("addresses", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("approve", sa.Boolean(), nullable=False, server_default=sa.false()))
    _create_tables()
    op.execute(
        "INSERT INTO key_tombstone (tenant, public_key, device, why, at)"
        " SELECT tenant, public_key, MIN(id), 'revoked', MAX(revoked_at) FROM device"
        " WHERE revoked_at IS NOT NULL GROUP BY tenant, public_key"
    )


def _create_tables() -> None:
    op.create_table(
        "key_tombstone",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "public_key", name=op.f("pk_key_tombstone")),
    )
    op.create_table(
        "withheld",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "device", "kind", name=op.f("pk_withheld")),
    )
