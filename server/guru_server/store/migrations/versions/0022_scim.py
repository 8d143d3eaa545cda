"""People and groups that identity providers keep here, and when somebody left the repository."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_scim"
down_revision = "0021_schedules"
branch_labels = None
depends_on = None


def _text(name: str, size: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=size), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """The tables, empty; nobody has left yet."""
    op.add_column("account", _moment("left_at", nullable=True))
    op.create_table(
        "scim_person", _text("tenant", 64), _text("id", 32), _text("provider", 63), _text("name", 128),
        _text("external_id", 256), _text("handle", 128, nullable=True), _text("subject", 320, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False), sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False), _moment("created_at"), _moment("changed_at"),
        _moment("deleted_at", nullable=True), sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_scim_person")),
    )
    op.create_index(op.f("ix_scim_person_tenant_handle"), "scim_person", ["tenant", "handle"], unique=True)
    op.create_index(op.f("ix_scim_person_tenant_subject"), "scim_person", ["tenant", "subject"], unique=True)
    op.create_table(
        "scim_group", _text("tenant", 64), _text("id", 32), _text("provider", 63), _text("name", 256),
        _text("external_id", 256), sa.Column("version", sa.Integer(), nullable=False), _moment("created_at"),
        _moment("changed_at"), sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_scim_group")),
    )
    op.create_index(
        op.f("ix_scim_group_tenant_provider_name"), "scim_group", ["tenant", "provider", "name"], unique=True)
    op.create_table(
        "scim_member", _text("tenant", 64), _text("group_id", 32), _text("person", 32),
        sa.PrimaryKeyConstraint("tenant", "group_id", "person", name=op.f("pk_scim_member")),
    )
    op.create_index(op.f("ix_scim_member_tenant_person"), "scim_member", ["tenant", "person"])
