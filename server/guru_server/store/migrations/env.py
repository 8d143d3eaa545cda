"""Alembic's entry: runs migrations on the connection that guru_server.store.migrate hands over, no other."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
