"""What tests of several rooms stand on: a private PostgreSQL cluster, and a fresh database of each kind."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import create_engine

from guru_server.store.database import Database
from guru_server.store.postgres import psycopg_url
from guru_server.store.wall import raise_wall
from guru_server.tables import metadata
from tests.one_tenant import watch
from tests.pacing import paced
from tools.lab.nursery import nurseries
from tools.lab.ports import free_port

watch()
APT = "apt-get install -y postgresql"
SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "max_connections": "200", "shared_buffers": "64MB", "wal_level": "minimal", "max_wal_senders": "0",
    "max_wal_size": "128MB", "autovacuum": "off",
}

COPY = " STRATEGY FILE_COPY"            # half the work of the usual one in memory, and twice as much on a disk
ROOM = 2 << 30                          # bytes

settings.register_profile("guru", deadline=None)        # on a busy machine one example may take long
settings.load_profile("guru")


class Cluster:
    """A running PostgreSQL of our own: `fresh()` makes a database with every table.

    Its owner is no superuser, so that row-level security binds the owner as it does in earnest.
    """

    def __init__(self, port: int, *, in_memory: bool) -> None:
        self.port = port
        with psycopg.connect(self.superuser(), autocommit=True) as connection:
            self._strategy = COPY if in_memory and connection.info.server_version >= 150_000 else ""
            connection.execute("CREATE ROLE guru LOGIN NOSUPERUSER CREATEROLE NOBYPASSRLS")
            connection.execute("CREATE DATABASE guru_template OWNER guru")
        engine = create_engine(psycopg_url(self.url("guru_template")))
        metadata.create_all(engine)
        with engine.begin() as connection:
            raise_wall(connection)
        engine.dispose()

    def superuser(self, name: str = "postgres") -> str:
        return f"postgresql://root@127.0.0.1:{self.port}/{name}"

    def url(self, name: str) -> str:
        return f"postgresql://guru@127.0.0.1:{self.port}/{name}"

    def fresh(self, *, empty: bool = False) -> str:
        name = f"t_{secrets.token_hex(6)}"
        template = "template1" if empty else "guru_template"
        with psycopg.connect(self.superuser(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER guru{self._strategy}")
        return self.url(name)

    def drop(self, url: str) -> None:
        with psycopg.connect(self.superuser(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")


@pytest.fixture(scope="session", autouse=True)
def _quick_starts() -> Iterator[None]:
    """Processes of the product start without importing it again."""
    with nurseries():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL cluster that ends with the session."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(path) for path in (shutil.which("initdb"),) if path
    ]
    if not found:
        pytest.fail(f"these tests need PostgreSQL: {APT}", pytrace=False)
    bin_dir = found[-1].parent
    memory = _in_memory()
    folder = Path(tempfile.mkdtemp(prefix="guru-pg-", dir=memory))
    port = free_port()
    server = None
    try:
        prefix = _unprivileged(folder)
        data = folder / "data"
        subprocess.run(
            [*prefix, bin_dir / "initdb", "-D", data, "-U", "root", "-A", "trust", "-E", "UTF8", "-N",
             "--locale=C"],
            check=True, capture_output=True, timeout=120, cwd=folder,
        )
        settings = [f"-c{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*prefix, bin_dir / "postgres", "-D", data, "-k", folder, *settings],
                stdout=log, stderr=log, cwd=folder,
            )
        _wait(port, server, folder / "log")
        yield Cluster(port, in_memory=memory is not None)
    finally:
        if server is not None:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> str | None:
    """Where files are in memory, when there is room: a fresh database is hundreds of them, made for one test."""
    place = Path("/dev/shm")
    try:
        return str(place) if shutil.disk_usage(place).free > ROOM and os.access(place, os.W_OK) else None
    except OSError:
        return None


def _unprivileged(folder: Path) -> list[str]:
    """What to put in front of PostgreSQL's programs, which refuse to run as root."""
    if os.geteuid() != 0:
        return []
    who = pwd.getpwnam("postgres")
    os.chown(folder, who.pw_uid, who.pw_gid)
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"postgresql://root@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                pytest.fail(f"PostgreSQL did not start: {said}", pytrace=False)
            time.sleep(0.05)
        else:
            return


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with every table, of each kind in turn."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "guru.db")
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    url = cluster.fresh()
    yield url
    cluster.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    url = cluster.fresh(empty=True)
    yield url
    cluster.drop(url)


def sqlite_url(path: Path) -> str:
    """A SQLite database with every table."""
    path.write_bytes(_sqlite_template())
    return f"sqlite:///{path}"


@cache
def _sqlite_template() -> bytes:
    """The file of a database with every table: making it takes longer than most tests that want one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "guru.db"
        engine = create_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open database, of each kind in turn."""
    database = Database.open(database_url)
    yield database
    await database.close()


@pytest.fixture
async def postgres_db(postgres: Cluster) -> AsyncIterator[Database]:
    """An open PostgreSQL database with every table, for what SQLite cannot show."""
    url = postgres.fresh()
    database = Database.open(url)
    yield database
    await database.close()
    postgres.drop(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start whole programs have more time; `--dist loadfile` keeps those that share a world together."""
    for item in items:
        if {"e2e", "faults"} & set(item.path.relative_to(item.config.rootpath).parts):
            item.add_marker(pytest.mark.timeout(420))       # its setup may start a whole world
    items[:] = paced(items)
