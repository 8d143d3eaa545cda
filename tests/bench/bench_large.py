"""The same repository ten times as large: 1,000 customers and 30,000 files. What is slow there grows too fast.

Budgets hold for a tenth of it (bench_language, bench_plan, bench_push), so most rows here have none: what a commit
of one customer costs should not grow with the customers that it leaves alone.
"""

from __future__ import annotations

import asyncio
import json

from guru_policy.loading import ParseCache, load
from guru_policy.tree import MemoryTree
from tests.bench import bench_plan, bench_push
from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tests.bench.stage import server_of
from tests.bench.synthetic import policy, repository
from tools.lab.world import World

OWN = "customers/c0/everybody.yaml"


def run(size: Size) -> list[Figure]:
    """Validate, plan, no-op sync and a change of one customer."""
    grown = size.grown
    found = _validated(grown)
    with server_of(grown) as world:
        return [*found, *_served(world, grown)]


def _validated(size: Size) -> list[Figure]:
    content, cache = repository(size), ParseCache()
    with Span() as cold:
        faults = load(MemoryTree(content), cache).faults
    changed = MemoryTree(content | {"org/p0.yaml": policy("org0", 5)})
    with Span() as warm:
        faults += load(changed, cache).faults
    if faults:
        raise RuntimeError(f"the repository has faults: {faults[:3]}")
    return [_seconds(f"validate {size.files:,} files, cold", cold), _seconds("validate, one file changed", warm)]


def _served(world: World, size: Size) -> list[Figure]:
    each = size.sites * size.per_site
    with bench_push.client_of(world) as client:
        pushed = [
            bench_push.pushed(world, client, {OWN: policy("own-everybody", n)}, each)
            for n in range(1, size.pushes + 1)
        ]
        nothing = [bench_push.synced(world, client, 0) for _ in range(size.pushes)]
    world.remote.write({OWN: policy("own-everybody", bench_plan.NEW)})
    with Span() as asking, Span(world.server.pid) as answering:
        plan = json.loads(world.guru("plan", str(world.remote.work), "-o", "json").out)
    if plan["affected"] != each or plan["faults"]:
        raise RuntimeError(f"{plan['affected']} devices, not {each}: {plan['faults'][:1]}")
    world.remote.push("Change one customer", {OWN: policy("own-everybody", bench_plan.NEW)})
    cold = asyncio.run(bench_plan.cold(world, world.remote.head(), size, each))
    what = "guru plan, one customer changed"
    return [
        cold,
        Figure(what, asking.wall, "s", cpu=asking.cpu + answering.cpu, others=asking.others),
        bench_push.p95(f"push that changes one of {size.customers:,} customers", None, pushed),
        bench_push.p95("a sync that finds nothing", bench_push.QUIET, nothing),
        Figure(f"server with {size.files:,} files and {size.devices:,} devices, resident",
               memory(world.server.pid).resident, "MB"),
    ]


def _seconds(what: str, span: Span) -> Figure:
    return Figure(what, span.wall, "s", cpu=span.cpu, others=span.others)
