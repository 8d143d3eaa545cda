"""Whoever steals the database of a server that did everything finds no private key, no token and no secret in it."""

from __future__ import annotations

import base64
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tools.lab.office import office, settle
from tools.lab.world import BIN, World, wait_until

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with a device, a job and its output, an override, tokens of people, programs and enrolment."""
    with office(tmp_path_factory.mktemp("stolen")) as made:
        settle(made, "acme-pc01")
        made.guru("run", "acme-pc01", "--", "echo", "done")
        made.tokens = [made.token]  # type: ignore[attr-defined]
        done = subprocess.run(
            [BIN / "guru-server", "token", "create", "robot", "--key", "--ttl", "1h"], env=made.server_env(),
            capture_output=True, text=True, timeout=60, check=True,
        )
        made.tokens += [done.stdout.strip(), made.enrolment_token("acme", "hq").read_text().strip()]  # type: ignore[attr-defined]
        wait_until("the log is signed", lambda: bool(cells(made, "audit_checkpoint")), 90)
        yield made


def cells(world: World, *only: str) -> list[tuple[str, bytes]]:
    """Every cell of every table as bytes, with its table's and column's name."""
    found = []
    with closing(sqlite3.connect(f"file:{world.folder / 'server' / 'guru.db'}?mode=ro", uri=True)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if only and name not in only:
                continue
            rows = db.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                found += [
                    (f"{name}.{column}", value if isinstance(value, bytes) else str(value).encode())
                    for column, value in zip(columns, row, strict=True)
                ]
    return found


def spellings(world: World) -> dict[str, list[bytes]]:
    """What must not be there, in the ways in which it could be written down."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(world.keys.glob("*.key")):
        data = path.read_bytes()
        lines = [line for line in data.splitlines() if line and not line.startswith((b"-", b"#"))]
        found[path.name] = [b"".join(lines), *lines]
        if path.name == "age.key":
            continue
        key = load_pem_private_key(data, None)
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        raw = key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else der[-64:]
        found[path.name] += [der, raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)]
    for number, token in enumerate(world.tokens):  # type: ignore[attr-defined]
        secret = token.partition(".")[2] if token.startswith("guru1.") else token.split("_", 2)[2]
        found[f"token {number}"] = [token.encode(), secret.encode()]
        if token.startswith("guru1."):
            told = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
            found[f"token {number}"] += [re.search(rb'"secret":"([^"]+)"', told)[1]]  # type: ignore[index]
    return found


def test_no_private_key_and_no_token_is_in_any_column_of_any_table(world: World) -> None:
    everything, hidden = cells(world), spellings(world)

    assert len(everything) > 300
    assert len(hidden) == 12
    assert [
        (place, what)
        for place, value in everything for what, ways in hidden.items() if any(way in value for way in ways)
    ] == []
    assert [place for place, value in everything if re.search(rb"PRIVATE KEY|AGE-SECRET-KEY-|gurut_", value)] == []


def test_the_search_would_find_a_key(world: World) -> None:
    stolen = (world.keys / "state.key").read_bytes()

    assert any(way in b"x" + stolen + b"y" for way in spellings(world)["state.key"])
