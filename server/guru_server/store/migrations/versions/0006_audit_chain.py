"""The audit log as a hash chain that the database protects. Rows of before are chained as they stood."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

from guru_server.audit.protecting import protect
from guru_wire.audit_chain import GENESIS, Entry, Position, chained

revision = "0006_audit_chain"
down_revision = "0005_ahead"
branch_labels = None
depends_on = None

PAGE = 1000
_NEXT = sa.text(
    "SELECT tenant, id, at, actor, action, object, result FROM audit_unchained"
    " WHERE tenant > :tenant OR (tenant = :tenant AND id > :id) ORDER BY tenant, id LIMIT :most"
)


def upgrade() -> None:
    """New tables, the old rows in the order of their ids, which begin with their time, and then the guards."""
    connection = op.get_bind()
    op.rename_table("audit", "audit_unchained")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_unchained RENAME CONSTRAINT pk_audit TO pk_audit_unchained")
    _tables()
    heads = _chain(connection)
    op.drop_table("audit_unchained")
    for tenant, at in heads.items():
        connection.execute(
            sa.text("INSERT INTO audit_head (tenant, seq, hash, root) VALUES (:tenant, :seq, :hash, 0)"),
            {"tenant": tenant, "seq": at.seq, "hash": at.hash},
        )
    protect(connection)


def _chain(connection: sa.Connection) -> dict[str, Position]:
    insert = sa.text(
        "INSERT INTO audit (tenant, seq, at, actor, action, object, result, hash)"
        " VALUES (:tenant, :seq, :at, :actor, :action, :object, :result, :hash)"
    )
    heads: dict[str, Position] = {}
    last = {"tenant": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "most": PAGE}).all():
        for row in rows:
            entry = Entry(row.tenant, 0, row.at, row.actor, row.action, row.object, row.result)
            made, heads[row.tenant] = chained(heads.get(row.tenant, Position(0, GENESIS)), [entry])
            connection.execute(insert, made[0]._asdict())
        last = {"tenant": rows[-1].tenant, "id": rows[-1].id}
    for tenant, at in heads.items():
        told = Entry(tenant, 0, int(time.time() * 1000), "server", "AuditChained", "audit",
                     f"{at.seq} rows of before were chained as they stood")
        made, heads[tenant] = chained(at, [told])
        connection.execute(insert, made[0]._asdict())
    return heads


def _tables() -> None:
    optional = (("device", 64), ("customer", 64), ("revision", 40), ("rule", 256), ("request", 64), ("address", 64))
    op.create_table(
        "audit",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=256), nullable=False),
        sa.Column("result", sa.String(length=512), nullable=False),
        *(
            sa.Column(name, sa.String(length=size), server_default=sa.text("''"), nullable=False)
            for name, size in optional
        ),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["tenant", "at"])
    op.create_index("ix_audit_device", "audit", ["tenant", "device"])
    op.create_table(
        "audit_head",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=44), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_anchor",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=512), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("anchored_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_audit_anchor")),
    )
    op.create_table(
        "token_address",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token", "address", name=op.f("pk_token_address")),
    )
