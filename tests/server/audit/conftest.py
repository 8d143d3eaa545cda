"""A log with some rows, and a hand that alters it as the owner of the tables can."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text

from guru_server.audit import checkpoints
from guru_server.audit.log import record
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.audit_chain import signed

T = 1_700_000_000_000
TABLES = ("audit", "audit_head", "audit_checkpoint")


def write(connection: Connection, count: int, start: int = 1) -> None:
    """Rows told by a person, a second apart."""
    for at in range(start, start + count):
        record(connection, T + at * 1000, f"person:p{at % 3}", "LabelsChanged", f"device:d{at}", f"role=r{at}",
               device=f"d{at}", customer="acme" if at % 2 else "birch")


def mark(connection: Connection, key: Ed25519PrivateKey, now: int = T) -> None:
    """Sign the head."""
    checkpoints.keep(connection, signed(key, TENANT, checkpoints.head(connection, TENANT).at, now))


def unguard(connection: Connection) -> None:
    """Drop every trigger, as only the owner of the tables can."""
    if connection.dialect.name == "postgresql":
        for table in TABLES:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        return
    for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def break_in(db: Database) -> Callable[..., object]:
    """Run statements without the guards."""
    async def run(*statements: str) -> None:
        def work(connection: Connection) -> None:
            unguard(connection)
            for statement in statements:
                connection.execute(text(statement))

        await db.write(work)

    return run
