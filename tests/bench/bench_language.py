"""How long the language takes: 3,000 files validated, cold and with one change; 10,000 devices compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.inventory import Device, Place
from guru_policy.loading import ParseCache, load
from guru_policy.tree import MemoryTree

CUSTOMERS, SITES, PER_SITE, FILES = 100, 4, 25, 3_000
ResultT = TypeVar("ResultT")


def policy(name: str, number: int, selector: str = "") -> str:
    """A policy of about 25 lines with ids of its own."""
    checks = "".join(
        f"    {name}-{i}:\n      kind: disk_space\n      path: /data{i}\n      every: 5m\n"
        f"      warning: {80 + (number + i) % 10}%\n      critical: 95%\n"
        for i in range(3)
    )
    chosen = f"  selector: {selector}\n" if selector else ""
    return f"apiVersion: guru/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n{chosen}  checks:\n{checks}"


def files() -> dict[str, str]:
    """A repository of 3,000 files: 300 selected policies for everybody, the others the customers'."""
    found = {"fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: bench}\n"}
    for i in range(300):
        found[f"org/p{i}.yaml"] = policy(f"org{i}", i, f"role=r{i % 60}, fact/ram_gb>={i % 4 * 8}")
    for c in range(CUSTOMERS):
        head = f"apiVersion: guru/v1\nkind: Customer\nmetadata: {{name: c{c}}}\n"
        found[f"customers/c{c}/customer.yaml"] = head
        for s in range(SITES):
            text = f"apiVersion: guru/v1\nkind: Site\nmetadata: {{name: s{s}, labels: {{ring: r{s}}}}}\n"
            found[f"customers/c{c}/sites/s{s}/site.yaml"] = text
    index = 0
    while len(found) < FILES:
        customer, name = index % CUSTOMERS, f"own{index // CUSTOMERS}"
        found[f"customers/c{customer}/p{index}.yaml"] = policy(name, index, f"role=r{index % 60}")
        index += 1
    return found


def devices() -> list[Device]:
    """10,000 devices with 20 facts each."""
    return [
        Device(
            f"{c * SITES * PER_SITE + s * PER_SITE + n:032x}", f"pc{n}", Place(f"c{c}", f"s{s}"),
            {"ram_gb": 4 * (n % 8 + 1), "os": "linux", **{f"fact{i}": f"value{i}" for i in range(18)}},
            {"role": f"r{n % 60}"},
        )
        for c in range(CUSTOMERS) for s in range(SITES) for n in range(PER_SITE)
    ]


def timed(what: str, work: Callable[[], ResultT]) -> ResultT:
    """The result, and its time printed."""
    start = time.perf_counter()
    result = work()
    print(f"{what:<48} {time.perf_counter() - start:8.3f} s")
    return result


def main() -> None:
    """Print the figures."""
    content = files()
    cache = ParseCache()
    fleet = timed(f"validate {len(content):,} files, cold", lambda: load(MemoryTree(content), cache))
    assert not fleet.faults, fleet.faults[:3]
    changed = MemoryTree(content | {"org/p0.yaml": policy("org0", 5)})
    timed("validate, one file changed", lambda: load(changed, cache))
    everybody = devices()

    def compile_all() -> tuple[int, int]:
        sources, good, bundles = Sources(fleet, fleet), 0, set[str]()
        for c in range(CUSTOMERS):
            mine = everybody[c * SITES * PER_SITE : (c + 1) * SITES * PER_SITE]
            compiled = compile_customer(sources, f"c{c}", mine, {})
            good += sum(isinstance(found, Effective) for found in compiled.assigned.values())
            bundles |= compiled.bundles.keys()
        return good, len(bundles)

    good, bundles = timed(f"compile {len(everybody):,} devices, cold", compile_all)
    print(f"{good:,} devices compiled to {bundles:,} bundles")


if __name__ == "__main__":
    main()
