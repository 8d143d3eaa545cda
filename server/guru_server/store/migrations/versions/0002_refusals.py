"""Refusals by cause, so that a device's last ones can be shown. What was kept before comes along."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_refusals"
down_revision = "0001_first"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table anew: its key changes, which SQLite cannot do in place."""
    columns = "tenant, device, at, code, message, serial"
    kept = op.get_bind().execute(sa.text(f"SELECT {columns} FROM refusal")).mappings().all()  # noqa: S608 - ours
    op.drop_table("refusal")
    table = op.create_table(
        "refusal",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "device", "cause", name=op.f("pk_refusal")),
    )
    if kept:
        rows = [{**row, "cause": "before", "first_at": row["at"], "times": 1} for row in kept]
        op.bulk_insert(table, rows)
