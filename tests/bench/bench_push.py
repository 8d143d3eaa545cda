"""From a push to signed bundles that are ready, through a real Git remote and a real server process."""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
from collections.abc import Callable
from contextlib import closing

from gurucli.client import Client
from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory, quantile
from tests.bench.sizes import Size
from tests.bench.stage import server_of
from tests.bench.synthetic import EVERYBODY, everybody, policy
from tools.lab.world import World

BUDGET = 2.0                            # seconds, p95
BY_THE_CLOCK = ("lease", "api_token", "audit_checkpoint", "audit_head")
ASKED_FOR = " WHERE action <> 'Allowed'"
QUIET = 0.1                             # seconds: our own figure for a sync that finds nothing


def run(size: Size) -> list[Figure]:
    """Pushes that change every device, pushes that change one customer, and syncs that change nothing."""
    with server_of(size) as world:
        return measured(world, size)


def measured(world: World, size: Size) -> list[Figure]:
    """The same on a server that runs."""
    numbers, own = range(1, size.pushes + 1), "customers/c0/everybody.yaml"
    pid = world.server.pid
    before = memory(pid).resident
    with client_of(world) as client:
        of_all = [pushed(world, client, {EVERYBODY: everybody(n)}, size.devices) for n in numbers]
        of_one = [
            pushed(world, client, {own: policy("own-everybody", n)}, size.sites * size.per_site) for n in numbers
        ]
        nothing: list[Span] = []
        changed = set.intersection(*(
            _changed(world, lambda: nothing.extend(synced(world, client, 0) for _ in numbers)) for _ in range(2)
        ))
    return [
        p95(f"push to {size.devices:,} bundles ready, p95 of {size.pushes}", BUDGET, of_all),
        p95(f"push that changes one customer, p95 of {size.pushes}", BUDGET, of_one),
        p95(f"a sync that finds nothing, p95 of {size.pushes}", QUIET, nothing),
        Figure(" ".join(("tables that such a sync changes", *sorted(changed))), len(changed), "", 0.0),
        Figure(f"server with {size.devices:,} devices, resident", before, "MB"),
        Figure("server after these pushes, resident", memory(pid).resident, "MB"),
    ]


def pushed(world: World, client: Client, files: dict[str, str], devices: int) -> Span:
    """A push of these files, which changes so many devices, from the word that there is a commit."""
    world.remote.push("Change one file", files)
    return synced(world, client, devices)


def synced(world: World, client: Client, devices: int) -> Span:
    """From the word that there is a commit until its manifests are signed and stored."""
    with Span(world.server.pid) as span:
        answer = client.call("POST", "/sync", body={})
    if not isinstance(answer, dict) or answer["outcome"] != "published":
        raise RuntimeError(f"the push did not come into force: {answer}")
    if answer["devices_changed"] != devices:
        raise RuntimeError(f"{answer['devices_changed']} devices changed, not {devices}")
    return span


def p95(what: str, budget: float | None, spans: list[Span]) -> Figure:
    """The slowest of 20 by the clock, and the median of its processor time."""
    return Figure(
        what, quantile([one.wall for one in spans], 0.95), "s", budget,
        cpu=statistics.median(one.cpu for one in spans), others=statistics.median(one.others for one in spans),
    )


def client_of(world: World) -> Client:
    """The API as the technician reaches it."""
    return Client(world.url, world.token, ca=(world.folder / "server" / "keys" / "ca.crt").read_text(), timeout=120)


def _changed(world: World, work: Callable[[], object]) -> set[str]:
    """The tables that change meanwhile; what a background job happens to write, too, but hardly twice."""
    tables = _tables(world)
    work()
    return {name for name, digest in _tables(world).items() if digest != tables[name]}


def _tables(world: World) -> dict[str, str]:
    """A digest of every table's rows but of those that the clock changes.

    A lease shows a sign of life every few seconds, a token when it was last used, and the log gets its checkpoint
    within a minute. That a person asked for the sync stands in the log, too; what the sync says there itself counts.
    """
    with closing(sqlite3.connect(f"file:{world.folder / 'server' / 'guru.db'}?mode=ro", uri=True)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: hashlib.sha256(repr(db.execute(
                f"SELECT * FROM {name}{ASKED_FOR if name == 'audit' else ''}").fetchall()).encode()).hexdigest()
            for name in names if name not in BY_THE_CLOCK
        }
