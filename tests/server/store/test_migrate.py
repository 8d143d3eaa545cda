"""Migrations: they make exactly the tables that the program works with, and never run backwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from guru_policy.alerting.telling import Progress
from guru_policy.errors import Conflict, GuruError, Refused
from guru_server.alerts.progress import read
from guru_server.audit.verifying import entries, step
from guru_server.store.binding import bind
from guru_server.store.database import Database
from guru_server.store.migrate import HEAD, SCRIPTS, migrate
from guru_server.store.postgres import psycopg_url
from guru_server.tables import metadata


def engine_url(url: str) -> str:
    return url if url.startswith("sqlite") else psycopg_url(url)


def test_migrations_make_exactly_the_tables_of_the_subjects(empty_url: str) -> None:
    migrate(empty_url)
    engine = create_engine(engine_url(empty_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    assert migrate(empty_url) == ["", HEAD]
    assert migrate(empty_url) == [HEAD, HEAD]


def test_a_database_of_a_newer_program_is_refused(empty_url: str) -> None:
    migrate(empty_url)
    engine = create_engine(engine_url(empty_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    engine.dispose()

    with pytest.raises(Refused, match="9999_future") as caught:
        migrate(empty_url)
    assert "newer" in caught.value.hint


def test_the_head_that_the_program_names_is_the_newest_file() -> None:
    assert ScriptDirectory(str(SCRIPTS)).get_current_head() == HEAD


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GuruError, match="cannot be made"):
        migrate(f"sqlite:///{tmp_path}/none/guru.db")


def test_alerts_that_fire_go_on_as_told_when_their_telling_begins_to_be_counted(empty_url: str) -> None:
    engine = create_engine(engine_url(empty_url))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005_ahead")
        for name, state in (("a", "firing"), ("b", "pending")):
            connection.execute(text(
                "INSERT INTO alert (tenant, id, rule, customer, site, device, device_name, check_id, state,"
                " check_state, severity, summary, started_at, fired_at, reason) VALUES ('main', :id, 'org/r', 'acme',"
                " 'hq', 'd', 'd', :id, :state, 'critical', 'high', '', 1, 7, '')"), {"id": name, "state": state})
        for channel in ("noc", "desk"):
            connection.execute(text(
                "INSERT INTO notification (tenant, id, alert, customer, channel, event, payload, created_at, attempts,"
                " next_try_at, error) VALUES ('main', :channel, 'a', 'acme', :channel, 'firing', '{}', 7, 0, 7, '')"),
                {"channel": channel})
    migrate(empty_url)
    with engine.connect() as connection:
        bind(connection, "main")
        kept = [read(row) for row in connection.execute(text("SELECT progress FROM alert ORDER BY id")).scalars()]
    engine.dispose()

    assert kept == [Progress(since=7, rounds={"rule": 0}, told=("desk", "noc")), None]


def test_a_refusal_of_the_first_release_survives_the_change_of_its_key(empty_url: str) -> None:
    engine = create_engine(engine_url(empty_url))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001_first")
        connection.execute(text("INSERT INTO refusal VALUES ('main', 'd', 7, 'G0495', 'expired', 3)"))
    migrate(empty_url)
    with engine.connect() as connection:
        bind(connection, "main")
        rows = connection.execute(text("SELECT first_at, at, times, message, serial FROM refusal")).all()
    engine.dispose()

    assert [tuple(row) for row in rows] == [(7, 7, 1, "expired", 3)]


async def test_rows_of_an_audit_log_without_a_chain_are_chained_as_they_stood(empty_url: str) -> None:
    engine = create_engine(engine_url(empty_url))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    insert = text("INSERT INTO audit VALUES (:tenant, :id, :at, 'server', 'TokenCreated', 'token:t', 'role')")
    rows = [{"tenant": tenant, "id": f"{at:016x}{tenant}", "at": at} for tenant in ("a", "b") for at in range(1200)]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005_ahead")
        connection.execute(insert, rows)
    engine.dispose()
    migrate(empty_url)
    db = Database.open(empty_url)
    steps = [
        await db.of(who).read(lambda c, who=who: step(c, who, None, (), {})) for who in ("a", "b")  # type: ignore[misc]
    ]
    told = await db.of("b").read(lambda connection: entries(connection, "b", 1198, 10))
    with pytest.raises(Conflict, match="audit log"):
        await db.of("a").write(lambda connection: connection.execute(text("DELETE FROM audit")).close())
    await db.close()

    assert [(done.at.seq, done.broken) for done in steps] == [(1201, None)] * 2
    assert [(row.seq, row.at) for row in told][:2] == [(1199, 1198), (1200, 1199)]
    assert (told[2].action, told[2].result) == ("AuditChained", "1200 rows of before were chained as they stood")
