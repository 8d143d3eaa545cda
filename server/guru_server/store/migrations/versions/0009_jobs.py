"""Jobs: what was ordered, for which devices, how each run stands, and what it printed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009_jobs"
down_revision = "0008_secrets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Five tables, empty."""
    op.create_table("job", *_job(), sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_job")))
    op.create_index(op.f("ix_job_tenant_created_at"), "job", ["tenant", "created_at"])
    op.create_table(
        "job_order", _text("tenant", 64), _text("job", 32),
        sa.Column("number", sa.Integer(), nullable=False), sa.Column("signed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "job", "number", name=op.f("pk_job_order")),
    )
    op.create_table(
        "job_run", *_run(), sa.PrimaryKeyConstraint("tenant", "job", "device", name=op.f("pk_job_run"))
    )
    op.create_index(op.f("ix_job_run_tenant_device_state"), "job_run", ["tenant", "device", "state"])
    op.create_index(op.f("ix_job_run_tenant_job_changed"), "job_run", ["tenant", "job", "changed"])
    op.create_table(
        "job_output", _text("tenant", 64), _text("job", 32), _text("device", 32), _text("stream", 3),
        sa.Column("position", sa.BigInteger(), nullable=False), sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "job", "device", "stream", "position", name=op.f("pk_job_output")),
    )
    op.create_index(op.f("ix_job_output_tenant_job_number"), "job_output", ["tenant", "job", "number"])
    op.create_table(
        "job_authority", _text("tenant", 64), _text("key", 44), sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_job_authority")),
    )


def _job() -> list[sa.Column[Any]]:
    return [
        _text("tenant", 64), _text("id", 32), _text("actor", 128), _text("what", 256), _text("target", 256),
        sa.Column("command", sa.Text(), nullable=False), _text("template", 128), _text("revision", 40),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_at", "expires_at")),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("timeout", "output")), _text("batch", 8),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("max_failures", "delay", "waves", "wave")),
        sa.Column("wave_at", sa.BigInteger(), nullable=False), sa.Column("over_at", sa.BigInteger(), nullable=True),
        _text("stopped", 256), sa.Column("cancel", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("changes", "kept")),
    ]


def _run() -> list[sa.Column[Any]]:
    return [
        _text("tenant", 64), _text("job", 32), _text("device", 32), _text("name", 63), _text("customer", 63),
        _text("site", 63), sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False), _text("nonce", 32),
        sa.Column("place", sa.Integer(), nullable=False), sa.Column("path", sa.LargeBinary(), nullable=False),
        _text("state", 10), _text("reason", 512),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("ending", "heard")),
        *(sa.Column(name, sa.BigInteger(), nullable=True)
          for name in ("sent_at", "started_at", "finished_at", "duration", "exit_code")),
        sa.Column("signal", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("out", "err", "kept")),
        _text("digest", 64), sa.Column("changed", sa.BigInteger(), nullable=False),
    ]


def _text(name: str, size: int) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length=size), nullable=False)
