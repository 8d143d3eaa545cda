"""Acts that wait for a second person, and rights that people are given for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_approvals"
down_revision = "0015_idempotency"
branch_labels = None
depends_on = None


def _text(name: str, size: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=size), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """The tables, empty."""
    op.create_table(
        "approval", _text("tenant", 64), _text("id", 12), _text("actor", 128), _text("owner", 128),
        sa.Column("sender", sa.Text(), nullable=False), _text("verb", 64), _text("about", 256),
        _text("command_class", 64, nullable=True), _text("role", 64),
        sa.Column("targets", sa.Text(), nullable=False), _text("digest", 64), _text("method", 8),
        _text("path", 1000), _text("query", 2000), _text("content_type", 128),
        sa.Column("body", sa.LargeBinary(), nullable=False), _text("asked", 64), _text("ticket", 64),
        _text("state", 10), _moment("created_at"), _moment("expires_at"), _text("decided_by", 128),
        _moment("decided_at", nullable=True), _text("why", 500), sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_tenant_created_at", "approval", ["tenant", "created_at"])
    op.create_table(
        "access_grant", _text("tenant", 64), _text("id", 12), _text("kind", 12), _text("name", 128),
        _text("verb", 64), _text("role", 64), _text("scope", 200), _text("selector", 2000),
        sa.Column("seconds", sa.Integer(), nullable=False), _text("reason", 500), _text("ticket", 64),
        _text("state", 10), _moment("created_at"), _moment("expires_at"), _text("decided_by", 128),
        _moment("decided_at", nullable=True), _text("why", 500), _text("reviewed_by", 128),
        _moment("reviewed_at", nullable=True), _moment("told_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_access_grant")),
    )
    op.create_index("ix_access_grant_tenant_name", "access_grant", ["tenant", "name"])
    op.create_index("ix_access_grant_tenant_created_at", "access_grant", ["tenant", "created_at"])
