"""What devices tell of the commands that they ran by a schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_schedules"
down_revision = "0020_events"
branch_labels = None
depends_on = None


def _text(name: str, size: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=size), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """The table, empty."""
    op.create_table(
        "schedule_run", _text("tenant", 64), _text("device", 32), _text("job", 32), _text("schedule", 128),
        _text("template", 128), _number("due_at"), _text("state", 10),
        sa.Column("ended", sa.Boolean(), nullable=False), _text("reason", 512), _number("started_at", nullable=True),
        _number("finished_at", nullable=True), _number("duration", nullable=True), _number("exit_code", nullable=True),
        sa.Column("signal", sa.Integer(), nullable=True), _number("printed"),
        sa.Column("out", sa.LargeBinary(), nullable=False), sa.Column("err", sa.LargeBinary(), nullable=False),
        _number("recorded_at"), sa.PrimaryKeyConstraint("tenant", "device", "job", name=op.f("pk_schedule_run")),
    )
    op.create_index("ix_schedule_run_tenant_recorded_at", "schedule_run", ["tenant", "recorded_at"])
    op.create_index("ix_schedule_run_tenant_due_at", "schedule_run", ["tenant", "due_at"])
