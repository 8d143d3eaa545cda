"""What devices have, row by row, and what of it changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_inventory"
down_revision = "0017_tenants"
branch_labels = None
depends_on = None


def _text(name: str, size: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=size), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, autoincrement=False)


def _claim(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def upgrade() -> None:
    """The tables, empty: devices report everything with their next link."""
    op.create_table(
        "inventory_item", _text("tenant", 64), _number("id"), _text("kind", 64), _text("key", 300), _text("name", 200),
        sa.Column("body", sa.Text(), nullable=False), _number("made_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_inventory_item")),
    )
    op.create_index("ix_inventory_item_kind_name", "inventory_item", ["tenant", "kind", "name"])
    op.create_table(
        "inventory_state", _text("tenant", 64), _text("device", 32), _text("kind", 64), _number("at"),
        _number("changed_at"), _number("since"), _text("digest", 64), _claim("stale"), _claim("cut"),
        sa.Column("count", sa.Integer(), nullable=False), sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "device", "kind", name=op.f("pk_inventory_state")),
    )
    op.create_table(
        "inventory_change", _text("tenant", 64), _text("device", 32), _number("at"), _text("kind", 64),
        _text("key", 300), _number("before", nullable=True), _number("after", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "device", "at", "kind", "key", name=op.f("pk_inventory_change")),
    )
