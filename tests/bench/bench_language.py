"""How long the language takes: a repository validated, cold and with one change; every device compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.loading import ParseCache, load
from guru_policy.tree import MemoryTree
from tests.bench.figures import Figure
from tests.bench.measuring import Span
from tests.bench.sizes import Size
from tests.bench.synthetic import devices, policy, repository

ResultT = TypeVar("ResultT")


def run(size: Size) -> list[Figure]:
    """Three figures, in this process."""
    content, found = repository(size), list[Figure]()

    def timed(what: str, budget: float | None, work: Callable[[], ResultT]) -> ResultT:
        with Span() as span:
            result = work()
        found.append(Figure(what, span.wall, "s", budget, cpu=span.cpu, others=span.others))
        return result

    cache = ParseCache()
    fleet = timed(f"validate {len(content):,} files, cold", 2.0, lambda: load(MemoryTree(content), cache))
    changed = MemoryTree(content | {"org/p0.yaml": policy("org0", 5)})
    again = timed("validate, one file changed", 0.3, lambda: load(changed, cache))
    if fleet.faults or again.faults:
        raise RuntimeError(f"the repository has faults: {(fleet.faults or again.faults)[:3]}")
    everybody = devices(size)
    each = size.sites * size.per_site

    def compile_all() -> int:
        sources = Sources(fleet, fleet)
        results = (
            compile_customer(sources, f"c{c}", everybody[c * each : (c + 1) * each], {})
            for c in range(size.customers)
        )
        return sum(isinstance(one, Effective) for result in results for one in result.assigned.values())

    good = timed(f"compile {len(everybody):,} devices, cold", None, compile_all)
    if good != len(everybody):
        raise RuntimeError(f"{good} of {len(everybody)} devices compiled")
    return found
