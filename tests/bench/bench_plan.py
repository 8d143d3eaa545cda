"""How long a plan of the whole fleet takes: as a fresh process would make it, and by `guru plan` after one change."""

from __future__ import annotations

import asyncio
import json

from pydantic import SecretStr
from pyrage import x25519

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from guru_server.gitops.trust import Pinned
from guru_server.gitops.verifying import Verifier
from guru_server.reconcile.plan import Planner
from guru_server.reconcile.service import Reconciler
from guru_server.secrets.opening import Opener
from guru_server.signer.near import near
from guru_server.store.database import Database
from guru_wire.operator import Plan, PlanRequest
from tests.bench.figures import Figure
from tests.bench.measuring import Span
from tests.bench.sizes import Size
from tests.bench.stage import server_of
from tests.bench.synthetic import EVERYBODY, everybody
from tools.lab.world import World

COLD, WARM, WHOLE = 5.0, 1.0, 2.0        # seconds; WHOLE: a change of every device (docs/adr/0012)
NEW = 9                                 # of synthetic.everybody: what no push before had


def run(size: Size) -> list[Figure]:
    """A cold plan in this process, and one-file changes asked of a server that runs."""
    with server_of(size) as world:
        return measured(world, size)


def measured(world: World, size: Size) -> list[Figure]:
    """The same on a server that runs; its repository is left with a push that the server has not seen."""
    in_force = (world.remote.work / EVERYBODY).read_text()
    world.remote.push("Change what everybody has", {EVERYBODY: everybody(NEW)})
    first = asyncio.run(cold(world, world.remote.head(), size, size.devices))
    of_all = _command(world, size.devices, "guru plan, one file changed for everybody", WHOLE)
    own = "customers/c0/customer.yaml"
    text = (world.remote.work / own).read_text()
    world.remote.write({EVERYBODY: in_force, own: f"{text}\n"})
    return [first, of_all, _command(world, 0, "guru plan, one file changed for nobody", WARM)]


async def cold(world: World, head: str, size: Size, affected: int) -> Figure:
    """A planner that has read nothing yet, over the server's own database and a mirror of its own."""
    db = Database.open(f"sqlite:///{world.folder / 'server' / 'guru.db'}")
    mirror = Mirror(world.folder / "planner", Source(world.remote.url))
    verifier = Verifier(mirror, Pinned())
    opener = Opener(SecretStr(str(x25519.Identity.generate())))
    planner = Planner(
        db, Reconciler(db, LocalBus(), mirror, verifier=verifier, signer=near(), opener=opener, now=wall), wall
    )
    try:
        await mirror.fetch()
        with Span() as span:
            plan = await planner.plan(PlanRequest(revision=head))
    finally:
        await db.close()
    _check(plan, affected)
    what = f"plan {size.devices:,} devices, cold"
    return Figure(what, span.wall, "s", COLD, cpu=span.cpu, others=span.others)


def _command(world: World, affected: int, what: str, budget: float) -> Figure:
    """`guru plan` in the working copy, from its start to its end."""
    with Span() as command, Span(world.server.pid) as server:
        done = world.guru("plan", str(world.remote.work), "-o", "json")
    plan = json.loads(done.out)
    if plan["affected"] != affected or plan["faults"]:
        raise RuntimeError(f"{what}: {plan['affected']} devices, not {affected}: {plan['faults'][:1]}")
    others = max(0.0, command.others - server.cpu / server.wall)
    return Figure(what, command.wall, "s", budget, cpu=command.cpu + server.cpu, others=others)


def _check(plan: Plan, affected: int) -> None:
    if plan.affected != affected or plan.faults or plan.guards:
        raise RuntimeError(f"the plan affects {plan.affected} devices, not {affected}: {plan.faults[:1]}")
