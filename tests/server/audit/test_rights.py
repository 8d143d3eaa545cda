"""The server's own role on PostgreSQL, with the grants of docs/audit.md: it adds, and can neither change nor delete."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Unreachable
from guru_server.audit import checkpoints
from guru_server.audit.verifying import entries
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from tests.conftest import Cluster
from tests.server.audit.conftest import T, mark, write

PAGE = Path(__file__).parents[3] / "docs/audit.md"


async def test_a_role_with_the_documented_grants_adds_and_lets_go_by_policy_alone(
    postgres: Cluster, key: Ed25519PrivateKey
) -> None:
    url = postgres.fresh()
    [grants] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS guru_server")
        owner.execute(grants)
    db = Database.open(url.replace("guru@", "guru_server@"))
    await db.write(lambda connection: write(connection, 4))
    await db.write(lambda connection: mark(connection, key, T))
    for statement in ("UPDATE audit SET result = 'x'", "DELETE FROM audit", "TRUNCATE audit",
                      "DELETE FROM audit_checkpoint", "ALTER TABLE audit DISABLE TRIGGER ALL"):
        with pytest.raises(Unreachable, match=r"permission denied|must be owner"):
            await db.write(lambda c, it=statement: c.exec_driver_sql(it).close())  # type: ignore[misc]
    await db.write(lambda connection: checkpoints.set_root(connection, TENANT, T + 1, T))
    gone = await db.write(lambda connection: checkpoints.let_go(connection, TENANT, 100))
    left = await db.read(lambda connection: entries(connection, TENANT, 0, 100))
    await db.close()
    postgres.drop(url)

    assert (gone, [row.action for row in left]) == (4, ["AuditLetGo"])
