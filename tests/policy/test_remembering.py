"""Compiling remembers between revisions: it saves work, and never an answer changes by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.compiling import Compiled, Sources, compile_customer
from guru_policy.inventory import Device, Override, Place
from guru_policy.loading import ParseCache, load
from guru_policy.remembering import digest_of_devices
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, device, group, policy

Files = Mapping[str, str]
DISK = policy("disk", "checks:\n  disk: {kind: disk_space, warning: 85%}")
FILE = policy("motd", "resources:\n  motd: {kind: file, path: /etc/motd, source: files/motd}")

ARCHIVE = Override("o1", "checks.disk.warning", "70%", "ada", "archive", 1)


def compiled(
    cache: ParseCache, files: Files, devices: tuple[Device, ...] = (device(),), digests: Files | None = None
) -> Compiled:
    found = load(MemoryTree({**BASE, **files}, revision="b" * 40), cache)
    return compile_customer(Sources(found, found), "acme", devices, digests or {})


def test_a_commit_that_does_not_concern_a_customer_costs_it_nothing() -> None:
    cache = ParseCache()
    other = "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: bolt}\n"
    before = compiled(cache, {"org/disk.yaml": DISK})
    after = compiled(cache, {"org/disk.yaml": DISK, "customers/bolt/customer.yaml": other})

    assert after.assigned is before.assigned


@pytest.mark.parametrize(("files", "devices"), [
    ({"org/disk.yaml": DISK.replace("85%", "80%")}, (device(),)),
    ({"org/disk.yaml": DISK, "customers/acme/own.yaml": policy("own", "checks:\n  disk: {warning: 70%}")}, (device(),)),
    ({"org/disk.yaml": DISK, "groups/g/g.yaml": group("g", 1)}, (device(),)),
    ({"org/disk.yaml": DISK}, (device(ram_gb=8),)),
    ({"org/disk.yaml": DISK}, (device("pc2"),)),
    ({"org/disk.yaml": DISK}, (device(), device("pc2", 2))),
    ({"org/disk.yaml": DISK}, ()),
    ({"org/disk.yaml": DISK}, (replace(device(), overrides=(ARCHIVE,)),)),
])
def test_whatever_could_change_the_answer_makes_a_new_one(files: Files, devices: tuple[Device, ...]) -> None:
    cache = ParseCache()
    before = compiled(cache, {"org/disk.yaml": DISK})
    after = compiled(cache, files, devices)

    assert after.assigned is not before.assigned
    assert after == compiled(ParseCache(), files, devices)


def test_what_a_policy_says_may_change_without_asking_again_whom_it_is_for() -> None:
    cache, devices = ParseCache(), (device(), device("pc2", 2))
    before = compiled(cache, {"org/disk.yaml": DISK, "groups/g/g.yaml": group("g", 1, "name=pc2")}, devices)
    after = compiled(
        cache, {"org/disk.yaml": DISK.replace("85%", "80%"), "groups/g/g.yaml": group("g", 1, "name=pc2")}, devices
    )

    assert after.assigned != before.assigned
    assert after.groups[devices[1].id] is before.groups[devices[1].id]
    assert after.groups == {devices[0].id: frozenset(), devices[1].id: frozenset({"g"})}


def test_devices_with_stamps_are_told_apart_by_them_alone() -> None:
    place = Place("acme", "hq")
    one, same, other = (Device("a" * 32, "pc1", place, stamp=stamp) for stamp in (b"1", b"1", b"2"))

    assert digest_of_devices([one]) == digest_of_devices([same])
    assert digest_of_devices([one]) != digest_of_devices([other])


def test_a_file_that_a_resource_carries_makes_a_new_answer_when_its_bytes_change() -> None:
    cache, files = ParseCache(), {"org/motd.yaml": FILE}
    before = compiled(cache, files, digests={"files/motd": "1" * 64})
    after = compiled(cache, files, digests={"files/motd": "2" * 64})

    assert before.assigned != after.assigned
    assert after == compiled(ParseCache(), files, digests={"files/motd": "2" * 64})


def test_what_was_planned_is_at_hand_when_it_is_pushed() -> None:
    cache = ParseCache()
    in_force = compiled(cache, {"org/disk.yaml": DISK})
    planned = compiled(cache, {"org/disk.yaml": DISK.replace("85%", "80%")})

    assert compiled(cache, {"org/disk.yaml": DISK}).assigned is in_force.assigned
    assert compiled(cache, {"org/disk.yaml": DISK.replace("85%", "80%")}).assigned is planned.assigned


def test_an_item_of_the_organisation_is_read_once_and_is_each_customers_own() -> None:
    files = {
        **BASE, "org/disk.yaml": DISK, "org/motd.yaml": FILE,
        "customers/bolt/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: bolt}\n",
        "customers/bolt/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n",
        "customers/bolt/own.yaml": policy("own", "checks:\n  disk: {warning: 70%}"),
    }
    bolts = Device("b" * 32, "pc1", Place("bolt", "hq"))

    def of(customer: str, one: Device, sources: Sources) -> Compiled:
        return compile_customer(sources, customer, [one], {"files/motd": "1" * 64})

    shared = load(MemoryTree(files))
    together = [of("acme", device(), Sources(shared, shared)), of("bolt", bolts, Sources(shared, shared))]
    apart = [
        of(customer, one, Sources(load(MemoryTree(files)), load(MemoryTree(files))))
        for customer, one in (("acme", device()), ("bolt", bolts))
    ]

    assert together == apart
    assert together[0].bundles != together[1].bundles


LABELLED = "apiVersion: guru/v1\nkind: Customer\nmetadata: {{name: acme, labels: {{{}}}}}\n"
CHOICES = {
    "org/disk.yaml": (DISK, DISK.replace("85%", "80%"), policy("disk", "selector: fact/ram_gb>=8\nmode: observe")),
    "org/locked.yaml": (policy("locked", "checks:\n  cpu: {kind: cpu, warning: 90%}\nenforced: [checks.cpu]"),),
    "groups/g/g.yaml": (policy("g", "checks:\n  disk: {warning: 60%}"),),
    "groups/groups.yaml": (group("g", 1, "fact/ram_gb>=8"), group("g", 1, "name=pc2")),
    "customers/acme/own.yaml": (
        policy("own", "checks:\n  cpu: {warning: 50%}"), policy("own", "checks:\n  disk: {$remove: true}"),
        policy("own", "checks:\n  disk: {kind: nonsense}"),
        policy("own", "selector: vip=true\nchecks:\n  cpu: {warning: 50%}"),
    ),
    "customers/acme/customer.yaml": (LABELLED.format("vip: true"), LABELLED.format("vip: 1")),
    "devices/acme/hq/pc2.yaml": (
        policy("pc2", "checks:\n  disk: {warning: 65%}"), policy("pc3", "checks:\n  disk: {warning: 65%}"),
    ),
}
TREES = st.fixed_dictionaries({}, optional={path: st.sampled_from(texts) for path, texts in CHOICES.items()})
INVENTORIES = st.lists(
    st.sampled_from([device(ram_gb=4), device(ram_gb=8), device("pc2", 2), device("pc3", 3, ram_gb=16),
                     replace(device(ram_gb=4), overrides=(ARCHIVE,)),
                     replace(device(ram_gb=4), overrides=(ARCHIVE._replace(value="75%"),))]),
    max_size=3, unique_by=lambda one: one.id,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TREES, INVENTORIES), min_size=2, max_size=6))
def test_no_history_of_commits_changes_an_answer(history: list[tuple[dict[str, str], list[Device]]]) -> None:
    cache = ParseCache()
    for files, devices in history:
        assert compiled(cache, files, tuple(devices)) == compiled(ParseCache(), files, tuple(devices))
