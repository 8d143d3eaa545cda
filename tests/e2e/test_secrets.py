"""A secret's way on real processes, on SQLite and PostgreSQL: from a person's hands into one file of one device."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519

from tools.lab.office import customer, device, holds, office, settle
from tools.lab.rows import rows
from tools.lab.world import BIN, AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

VALUE, NEW = "correct horse battery staple", "a quite different passphrase"
PATH = "/etc/office/backup-password"
SECRET = """apiVersion: guru/v1
kind: Secret
metadata: {name: backup-password}
spec:
  file: customers/acme/secrets/backup-password.age
  recipients:
    ada: KEY
"""
WANTS = """apiVersion: guru/v1
kind: Policy
metadata: {name: backup}
spec:
  resources:
    backup-password: {kind: file, path: /etc/office/backup-password, contentFrom: {secretRef: backup-password}}
"""


class Person:
    """Ada, who keeps acme's secrets with `guru secrets` in her working copy."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.identity = folder / "ada.key"
        key = x25519.Identity.generate()
        self.identity.write_text(f"{key}\n")
        self.identity.chmod(0o600)
        self.public = str(key.to_public())

    def guru(self, *argv: str, check: bool = True, stdin: str = "") -> str:
        """`guru secrets ...` in the working copy."""
        repo = [] if argv[0] == "check" else ["--repo", str(self.world.remote.work)]
        done = subprocess.run(
            [BIN / "guru", "secrets", *argv, *repo], input=stdin, capture_output=True, text=True, timeout=120,
            env={**self.world.guru_env(), "GURU_AGE_IDENTITY": str(self.identity), "PATH": "/usr/bin:/bin"},
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small office on each kind of database."""
    cluster = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = cluster.fresh(empty=True) if cluster else None
    with office(tmp_path_factory.mktemp("secrets"), database=url) as made:
        yield made
    if cluster:
        cluster.drop(url)


@pytest.fixture(scope="module")
def ada(world: World, tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(world, tmp_path_factory.mktemp("ada"))


@pytest.fixture(scope="module")
def acme(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


@pytest.fixture(scope="module")
def birch(world: World) -> AgentPlace:
    return settle(world, "birch-pc01", "birch")


def everything(*folders: Path) -> bytes:
    """Every byte of every file below."""
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def stored(world: World) -> str:
    """Every row of the tables that could hold something of a secret."""
    tables = ("bundle", "blob", "manifest", "sealed", "device", "device_state", "run", "refusal", "revision")
    return repr([rows(world.database_url, f"SELECT * FROM {name}") for name in tables])


def test_a_secret_goes_from_a_persons_hands_into_the_file_of_the_device_that_needs_it(
    world: World, ada: Person, acme: AgentPlace, birch: AgentPlace
) -> None:
    before = device(world, "birch-pc01")["serial"]
    world.remote.write({"customers/acme/secrets.yaml": SECRET.replace("KEY", ada.public)})
    ada.guru("recipients", "add", "guru", "server", "--scope", "customers/acme")
    ada.guru("edit", "backup-password", "--from-file", "-", stdin=f"{VALUE}\n")
    checked = ada.guru("check", str(world.remote.work))
    listed = ada.guru("recipients", "list")
    world.remote.push("A secret", {"customers/acme/policies/backup.yaml": WANTS})
    world.guru("sync", "--wait", "--timeout", "60s")

    wait_until("the device has it", lambda: holds(acme, PATH, VALUE))
    assert "1 secret, no faults" in checked
    assert {"guru", "ada"} <= set(listed.split())
    assert (acme.root / PATH[1:]).stat().st_mode & 0o777 == 0o600
    assert device(world, "birch-pc01")["serial"] == before


def test_a_new_value_shows_in_the_plan_as_a_fingerprint_and_reaches_only_who_uses_it(
    world: World, ada: Person, acme: AgentPlace, birch: AgentPlace
) -> None:
    before = device(world, "birch-pc01")["serial"]
    ada.guru("edit", "backup-password", "--from-file", "-", stdin=f"{NEW}\n")
    plan: Any = world.ask("plan", str(world.remote.work))
    world.remote.push("Another value")
    world.guru("sync", "--wait", "--timeout", "60s")
    wait_until("the device has the new one", lambda: holds(acme, PATH, NEW))

    (change,) = [field for one in plan["devices"] for field in one["fields"]]
    assert (plan["affected"], change["path"], change["why"]) == (
        1, "secrets.backup-password", "customers/acme/secrets.yaml:1")
    assert change["before"] != change["after"]
    assert device(world, "birch-pc01")["serial"] == before
    run = next(one for one in device(world, "acme-pc01")["run"]["resources"] if one["id"] == "backup-password")
    assert run["outcome"] in ("changed", "same")


def test_encrypting_anew_for_other_recipients_touches_no_device(world: World, ada: Person, acme: AgentPlace) -> None:
    before = device(world, "acme-pc01")["serial"]
    ada.guru("recipients", "add", "safe", str(x25519.Identity.generate().to_public()))
    ada.guru("rotate")
    revision = world.remote.push("A recipient more")
    world.guru("sync")

    assert device(world, "acme-pc01")["serial"] == before
    assert customer(world, "acme")["revision"] == revision


def test_a_secret_that_the_server_cannot_open_holds_its_customer_and_says_why(
    world: World, ada: Person, acme: AgentPlace
) -> None:
    good = world.remote.head()
    ada.guru("recipients", "rm", "guru")
    ada.guru("rotate")
    bad = world.remote.push("Without the server")
    world.guru("sync", check=False)
    held, told = customer(world, "acme"), world.guru("status", "-o", "wide").out
    fault = ada.guru("check", str(world.remote.work), check=False)
    world.remote.git("revert", "--no-edit", "HEAD")
    mended = world.remote.push("Mend it")
    world.guru("sync")

    assert (held["state"], held["revision"]) == ("Held", good)
    assert "customers/acme/secrets.yaml" in held["reason"]
    assert "recipients lack this server" in held["reason"]
    assert "recipients lack this server" in told
    assert "devices need it, and the server cannot open it" in fault
    assert mended != bad
    assert customer(world, "birch")["revision"] == mended
    assert holds(acme, PATH, NEW)
    assert customer(world, "acme")["state"] == "InForce"


def test_no_value_is_anywhere_but_in_the_file_on_the_device(
    world: World, ada: Person, acme: AgentPlace, birch: AgentPlace
) -> None:
    assert holds(acme, PATH, NEW)
    kept = everything(world.folder / "server", world.folder / "logs", acme.state, birch.state, birch.root)
    office_files = [path for path in acme.root.rglob("*") if path.is_file() and NEW.encode() in path.read_bytes()]

    assert "values" in stored(world)
    for value in (VALUE, NEW):
        assert value.encode() not in kept
        assert value not in stored(world)
    assert office_files == [acme.root / PATH[1:]]
