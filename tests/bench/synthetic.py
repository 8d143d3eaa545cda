"""A made-up fleet of any size: a repository of policies and the devices they are for. Pure."""

from __future__ import annotations

from guru_policy.inventory import Device, Place
from tests.bench.sizes import Size


def policy(name: str, number: int, selector: str = "") -> str:
    """A policy of about 25 lines with ids of its own."""
    checks = "".join(
        f"    {name}-{i}:\n      kind: disk_space\n      path: /data{i}\n      every: 5m\n"
        f"      warning: {80 + (number + i) % 10}%\n      critical: 95%\n"
        for i in range(3)
    )
    chosen = f"  selector: {selector}\n" if selector else ""
    return f"apiVersion: guru/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n{chosen}  checks:\n{checks}"


def everybody(number: int) -> str:
    """A policy that every device has; another number changes every bundle."""
    return policy("everybody", number)


EVERYBODY = "org/everybody.yaml"


def repository(size: Size) -> dict[str, str]:
    """Files by path: `rules` selected policies and one for everybody, the others the customers'."""
    found = {
        "fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: bench}\n",
        EVERYBODY: everybody(0),
    }
    for i in range(size.rules):
        found[f"org/p{i}.yaml"] = policy(f"org{i}", i, f"role=r{i % 60}, fact/ram_gb>={i % 4 * 8}")
    for c in range(size.customers):
        head = f"apiVersion: guru/v1\nkind: Customer\nmetadata: {{name: c{c}}}\n"
        found[f"customers/c{c}/customer.yaml"] = head
        for s in range(size.sites):
            text = f"apiVersion: guru/v1\nkind: Site\nmetadata: {{name: s{s}, labels: {{ring: r{s}}}}}\n"
            found[f"customers/c{c}/sites/s{s}/site.yaml"] = text
    index = 0
    while len(found) < size.files:
        customer, name = index % size.customers, f"own{index // size.customers}"
        found[f"customers/c{customer}/p{index}.yaml"] = policy(name, index, f"role=r{index % 60}")
        index += 1
    return found


def devices(size: Size) -> list[Device]:
    """Every device, with 20 facts each."""
    return [
        Device(
            f"{(c * size.sites + s) * size.per_site + n:032x}", f"pc{n}", Place(f"c{c}", f"s{s}"),
            {"ram_gb": 4 * (n % 8 + 1), "os": "linux", "role": f"r{n % 60}",
             **{f"fact{i}": f"value{i}" for i in range(17)}},
            {},
        )
        for c in range(size.customers) for s in range(size.sites) for n in range(size.per_site)
    ]
