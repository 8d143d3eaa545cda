"""More ways to sign in: passkeys, attempts through a browser, and what a provider says in a session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_signin"
down_revision = "0018_inventory"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, empty."""
    op.create_table(
        "passkey",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_passkey")),
    )
    op.create_index(op.f("ix_passkey_tenant_name"), "passkey", ["tenant", "name"])
    op.create_table(
        "passkey_challenge",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("challenge", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_passkey_challenge")),
    )
    op.create_index(op.f("ix_passkey_challenge_tenant_expires_at"), "passkey_challenge", ["tenant", "expires_at"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("client_key", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=64), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_tenant_expires_at"), "sign_in_attempt", ["tenant", "expires_at"])
    op.add_column("user_session", sa.Column("provider", sa.String(length=63), nullable=False, server_default=""))
    op.add_column("user_session", sa.Column("groups", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("api_token", sa.Column("parent", sa.String(length=16), nullable=False, server_default=""))
