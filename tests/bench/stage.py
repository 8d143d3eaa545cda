"""A real server over a made-up fleet: its repository pushed, its devices in the database. For benchmarks.

Devices are put into the database as an enrolment would put them there; only the proof of their keys is left out,
since ten thousand enrolments are not what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from guru_policy.inventory import Device, Place
from guru_server.clock import wall
from guru_server.fleet.changing import Newcomer, enrol
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.signing import public_bytes
from tests.bench.fleet_sim.identities import FILE
from tests.bench.fleet_sim.machine import facts_of
from tests.bench.sizes import Size
from tests.bench.synthetic import devices, repository
from tools.lab.world import World, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
BY_HAND = {"GURU_SERVER_GIT__POLL": "3600"}        # the benchmark says when to look
NOBODY = base64.b64encode(bytes(32)).decode()       # a key that signs nothing


@contextmanager
def server_of(size: Size) -> Iterator[World]:
    """A running server with the whole fleet in force, and a signed-in technician."""
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = World(Path(folder), settings=BY_HAND)
        seed = Path(folder) / "seed"
        write(seed, repository(size))
        world.remote.create(seed)
        world.prepare()
        asyncio.run(_store(world, [_newcomer(one) for one in devices(size)]))
        try:
            start(world)
            yield world
        finally:
            world.stop()


def start(world: World) -> None:
    """Start the server and wait until everybody has something in force."""
    world.start_server()
    world.sign_in()
    wait_until("the first revision is in force", lambda: bool(revision(world)), 120)


def revision(world: World) -> str:
    """The newest revision, when it is in force for everybody; else empty."""
    rows = world.ask("revision", "list", "--limit", "1")
    newest = rows["items"][0] if isinstance(rows, dict) and rows["items"] else {}
    return str(newest["revision"]) if newest.get("outcome") == "published" else ""


def write(folder: Path, files: dict[str, str]) -> None:
    """Files by path below the folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def simulated(world: World, names: Sequence[str], place: Place) -> Path:
    """Put simulated devices of this place into the database; the folder with their keys, for fleet_sim."""
    newcomers, identities = [], []
    for number, name in enumerate(names):
        key, ident = Ed25519PrivateKey.generate(), f"{number + (1 << 64):032x}"
        public = base64.b64encode(public_bytes(key)).decode()
        newcomers.append(Newcomer(ident, name, place, public, facts_of(name), "1.0", "bench"))
        private = base64.b64encode(key.private_bytes_raw()).decode()
        identities.append({"name": name, "device": ident, "key": private})
    asyncio.run(_store(world, newcomers))
    folder = world.folder / "simulated"
    folder.mkdir(mode=0o700)
    (folder / FILE).write_text(json.dumps(identities))
    return folder


def office(folder: Path, names: Sequence[str] = (), place: Place | None = None) -> World:
    """A running server with everything in force; `names` are simulated devices of `place` that may come."""
    world = World(folder, settings=BY_HAND)
    world.remote.create(EXAMPLE)
    world.prepare()
    if place is not None:
        simulated(world, names, place)
    world.start_server()
    world.sign_in()
    world.guru("sync")
    return world


def linked(world: World, count: int, limit: float) -> None:
    """Wait until so many devices are up to date, and so have nothing else to do."""
    wait_until(
        f"{count} agents are there", lambda: world.get("/status")["devices"].get("UpToDate", 0) >= count, limit, 1.0
    )


def _newcomer(one: Device) -> Newcomer:
    return Newcomer(one.id, one.name, one.place, NOBODY, one.facts, "1.0", "bench")


async def _store(world: World, newcomers: Sequence[Newcomer]) -> None:
    db = Database.open(f"sqlite:///{world.folder / 'server' / 'guru.db'}")

    def write(connection: Connection) -> None:
        for one in newcomers:
            enrol(connection, TENANT, one, wall())

    try:
        await db.write(write)
    finally:
        await db.close()
