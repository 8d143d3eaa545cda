"""How far the telling of an alert is, who took it up, what became of it, and windows that people open by hand.

Alerts that fire when this runs go on as they were: whoever was told of their beginning counts as told.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010_telling"
down_revision = "0009_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns, two tables, and the progress of what fires."""
    with op.batch_alter_table("alert") as table:
        table.add_column(sa.Column("progress", sa.Text(), nullable=True))
        table.add_column(sa.Column("acked_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("acked_until", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("acked_by", sa.String(length=128), nullable=False, server_default=""))
        table.add_column(sa.Column("ack_note", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("notification") as table:
        table.alter_column("channel", type_=sa.String(length=254), existing_type=sa.String(length=63),
                           existing_nullable=False)
        table.add_column(sa.Column("step", sa.String(length=200), nullable=False, server_default=""))
        table.add_column(sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
    _tables()
    _progress()


def _tables() -> None:
    op.create_table(
        "alert_event",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "alert", "id", name=op.f("pk_alert_event")),
    )
    op.create_table(
        "maintenance",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_by", sa.String(length=128), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=128), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_maintenance")),
    )
    op.create_index("ix_maintenance_tenant_ends_at", "maintenance", ["tenant", "ends_at"], unique=False)


def _progress() -> None:
    """Who was told of the beginnings of alerts that fire, as `alerts/progress.py` keeps it."""
    connection = op.get_bind()
    alerts = connection.execute(sa.text(
        "SELECT tenant, id, fired_at FROM alert WHERE state = 'firing' AND resolved_at IS NULL"
    )).all()
    for tenant, name, fired_at in alerts:
        told = connection.execute(sa.text(
            "SELECT DISTINCT channel FROM notification WHERE tenant = :tenant AND alert = :alert AND event = 'firing'"
            " ORDER BY channel"
        ), {"tenant": tenant, "alert": name}).scalars().all()
        progress = {"since": fired_at, "rounds": {"rule": 0}, "told": list(told)}
        connection.execute(sa.text("UPDATE alert SET progress = :progress WHERE tenant = :tenant AND id = :id"), {
            "tenant": tenant, "id": name, "progress": json.dumps(progress)
        })
