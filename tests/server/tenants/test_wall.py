"""The second wall: what a handle sees and writes of PostgreSQL is its tenant's, whatever a statement forgets."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import create_engine, text

from guru_policy.errors import Unreachable
from guru_server.doctor import probes
from guru_server.store.binding import LANDLORD, bind
from guru_server.store.database import Database
from guru_server.store.migrate import migrate
from guru_server.store.postgres import psycopg_url
from guru_server.store.wall import climbs, unwalled
from guru_server.tables import metadata
from tests.conftest import Cluster
from tests.server.tenants.filling import everything, fill

OURS, THEIRS = "main", "rival"


def test_every_table_with_a_tenant_stands_behind_the_wall_after_a_migration(postgres: Cluster) -> None:
    url = postgres.fresh(empty=True)
    migrate(url)
    engine = create_engine(psycopg_url(url))
    with engine.begin() as connection:
        bare = unwalled(connection)
        connection.execute(text("ALTER TABLE device NO FORCE ROW LEVEL SECURITY"))
        opened = unwalled(connection)
    migrate(url)
    with engine.connect() as connection:
        again = unwalled(connection)
    engine.dispose()
    postgres.drop(url)

    assert (bare, opened, again) == ([], ["device"], [])
    assert all("tenant" in table.primary_key.columns for table in metadata.tables.values())


async def test_a_handle_sees_only_its_own_rows_of_every_table(postgres_db: Database) -> None:
    ours, theirs = postgres_db, postgres_db.of(THEIRS)
    for handle in (ours, theirs):
        await handle.write(fill)
    seen = [await handle.read(everything) for handle in (ours, theirs)]

    assert [{name for name, rows in one.items() if len(rows) != 1} for one in seen] == [set(), set()]
    assert all(THEIRS not in str(rows) for rows in seen[0].values())
    assert all(THEIRS in str(rows) for rows in seen[1].values())


async def test_a_statement_without_a_tenant_changes_no_row_of_another(postgres_db: Database) -> None:
    await postgres_db.of(THEIRS).write(fill)
    guarded = {"audit", "audit_head", "audit_checkpoint"}
    for name in sorted(set(metadata.tables) - guarded):
        changed = await postgres_db.write(lambda c, name=name: [  # type: ignore[misc]
            c.execute(text(statement)).rowcount
            for statement in (f"UPDATE {name} SET tenant = 'main'", f"DELETE FROM {name}")])
        assert changed == [0, 0], name

    assert all(await postgres_db.of(THEIRS).read(everything))
    with pytest.raises(Unreachable, match="row-level security"):
        await postgres_db.write(lambda c: c.execute(text(
            "INSERT INTO lease (tenant, name, owner, fence, beats) VALUES ('rival', 'x', '', 1, 1)")).close())


async def test_whoever_names_no_tenant_sees_nothing_and_the_landlord_the_list_alone(postgres_db: Database) -> None:
    await postgres_db.write(fill)
    listed = await postgres_db.of(LANDLORD).read(everything)
    with psycopg.connect(postgres_db.url, autocommit=True) as raw:
        bare = [raw.execute(f"SELECT count(*) FROM {name}").fetchone() for name in metadata.tables]

    assert {name for name, rows in listed.items() if rows} == {"tenant"}
    assert set(bare) == {(0,)}


async def test_the_name_of_a_tenant_ends_with_its_transaction(postgres_db: Database) -> None:
    await postgres_db.write(fill)
    engine = create_engine(psycopg_url(postgres_db.url), pool_size=1, max_overflow=0)
    told = []
    for named in (True, False):
        with engine.begin() as connection:
            if named:
                bind(connection, OURS)
            told.append(connection.execute(text("SELECT count(*) FROM device")).scalar())
    engine.dispose()

    assert told == [1, 0]


async def test_doctor_tells_of_a_role_that_no_policy_binds(postgres: Cluster) -> None:
    url = postgres.fresh()
    told = []
    for one in (url, postgres.superuser(url.rsplit("/", 1)[1])):
        db = Database.open(one)
        looks = probes(db, None, None, None, lambda: 0, None)   # type: ignore[arg-type]
        told.append(((await looks[0]()).ok, await db.read(climbs)))
        await db.close()
    postgres.drop(url)

    assert told == [(True, False), (False, True)]
