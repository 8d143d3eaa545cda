"""Whatever changes between two compiles, and for however many customers: a remembered answer is the one made anew.

Histories change one input after the other: both revisions of a pair, devices with labels, facts and overrides,
windows that block changes, what is known of secrets, files. Each answer is held against one made without any memory,
and against devices compiled one by one, which share nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.compiling import Compiled, Compiler, Effective, compile_customer
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Override, Place, Scalar
from guru_policy.loading import ParseCache, load
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, group, policy, secret, written

CUSTOMERS = ("acme", "bolt")
UNTIL = 1_700_000_000_000
RARELY = (None,) * 6                    # a window that blocks anywhere makes all be compiled one by one
BLOCK = "effects: [block-changes]"
PW = "{kind: file, path: /etc/pw, contentFrom: {secretRef: pw}}"
DISK, MEMORY = "checks:\n  disk: {warning: 12%}", "selector: vip\nchecks: {m: {kind: memory}}"


Tree = Mapping[str, str | None]


class Step(NamedTuple):
    """One compile: of the organisation's and the customer's files of two revisions."""

    customer: str
    org: Tree
    own: Tree
    devices: tuple[Device, ...]
    digests: Mapping[str, str]
    opened: Mapping[Key, Opened] | None


def placed(kind: str, name: str, labels: str, spec: str) -> str:
    return f"apiVersion: guru/v1\nkind: {kind}\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nspec: {{{spec}}}\n"


def window(name: str, spec: str) -> str:
    return written("MaintenanceWindow", name, f"{{{spec}}}")


def both(one: str, other: str) -> str:
    return f"{one}---\n{other}"


def of_customer(name: str) -> dict[str, tuple[str | None, ...]]:
    """What may stand below a customer's folders; None: nothing."""
    home = f"customers/{name}"
    return {
        f"{home}/customer.yaml": (
            placed("Customer", name, "vip: true", ""), placed("Customer", name, "vip: 1", "mode: observe"),
            placed("Customer", name, "", "timezone: Asia/Tokyo"),
        ),
        f"{home}/sites/hq/site.yaml": (
            placed("Site", "hq", "", ""), placed("Site", "hq", "ring: a", "timezone: Europe/Madrid"),
            placed("Site", "hq", "ring: b", ""), None,
        ),
        f"{home}/own.yaml": (
            None, policy("own", "checks:\n  disk: {warning: 70%}"), policy("own", "checks:\n  disk: {$remove: true}"),
            policy("own", f"selector: vip=true\nresources:\n  pw: {PW}"),
            policy("own", "selector: ring=a\nmode: observe\nresources:\n  own: {kind: file, path: /o, content: x}"),
            policy("own", "enforced: [checks.cpu]\nchecks:\n  cpu: {warning: 50%}"),
            both(policy("own", DISK), policy("two", MEMORY)), both(policy("two", MEMORY), policy("own", DISK)),
        ),
        f"{home}/sites/hq/site-policy.yaml": (None, policy("hq", "checks:\n  cpu: {warning: 40%}")),
        f"{home}/window.yaml": (
            *RARELY, window("freeze", f"cron: 0 2 * * sun, duration: 3h, {BLOCK}, selector: op/role=server"),
            window("own", f"cron: 0 3 * * *, duration: 1h, {BLOCK}, timezone: UTC"),
        ),
        f"{home}/sites/hq/window.yaml": (None, window("freeze", "cron: 0 4 * * *, duration: 2h")),
        f"{home}/pw.yaml": (None, str(secret("pw", home)[f"{home}/pw.yaml"])),
        f"devices/{name}/hq/pc1.yaml": (
            None, policy("pc1", "checks:\n  disk: {warning: 65%}"), policy("pc2", "checks:\n  disk: {warning: 65%}"),
        ),
    }


OF_ORG: dict[str, tuple[str | None, ...]] = {
    "org/disk.yaml": (
        policy("disk", "checks:\n  disk: {kind: disk_space, warning: 85%}"),
        policy("disk", "mode: observe\nchecks:\n  disk: {kind: disk_space, warning: 80%}"),
        both(policy("disk", "checks:\n  disk: {kind: disk_space}"),
             policy("more", "selector: fact/ram_gb>=8\nchecks:\n  more: {kind: disk_space}")),
    ),
    "org/cpu.yaml": (
        policy("cpu", "checks:\n  cpu: {kind: cpu, warning: 90%}"), policy("cpu", "checks:\n  cpu: {kind: cpu}"),
        policy("cpu", "enforced: [checks.cpu]\nchecks:\n  cpu: {kind: cpu, warning: 90%}"),
    ),
    "org/pw.yaml": (
        None, policy("pw", f"resources:\n  pw: {PW}"),
        policy("pw", f"selector: fact/ram_gb\nresources:\n  pw: {PW}"),
    ),
    "org/secret.yaml": (None, str(secret("pw", "org")["org/pw.yaml"])),
    "org/motd.yaml": (None, policy("motd", "resources:\n  motd: {kind: file, path: /etc/motd, source: files/motd}")),
    "org/window.yaml": (
        *RARELY, window("freeze", f"cron: 0 2 * * sun, duration: 3h, {BLOCK}"),
        window("freeze", f"cron: 0 2 * * sun, duration: 4h, {BLOCK}, selector: group=g"),
        window("quiet", "cron: 0 2 * * sun, duration: 3h"),
    ),
    "org/servers.yaml": (
        *RARELY, window("servers", f"cron: 0 6 * * *, duration: 1h, {BLOCK}, selector: op/role=server"),
        both(window("servers", f"cron: 0 6 * * *, duration: 1h, {BLOCK}, selector: op/role=server"),
             window("desks", f"cron: 0 7 * * *, duration: 1h, {BLOCK}, selector: op/role=desk")),
    ),
    "groups/groups.yaml": (
        None, group("g", 1, "fact/ram_gb>=8"), group("g", 1, "op/role=server"),
        both(group("g", 1, "op/role=server"), group("h", 2)), both(group("g", 3, "op/role=server"), group("h", 2)),
    ),
    "groups/g/g.yaml": (None, policy("g", "checks:\n  disk: {warning: 60%}")),
    "groups/h/h.yaml": (None, policy("h", "checks:\n  disk: {warning: 55%}"), policy("h", "agent: {heartbeat: 30s}")),
    "groups/g/window.yaml": (*RARELY, window("freeze", f"cron: 0 5 * * *, duration: 1h, {BLOCK}")),
}


CHOICES = {**OF_ORG, **of_customer("acme"), **of_customer("bolt")}
TREES: st.SearchStrategy[Tree] = st.fixed_dictionaries(
    {path: st.sampled_from(texts) for path, texts in CHOICES.items()}
)
LABELLED = [path for path in sorted(CHOICES) if path.endswith(("customer.yaml", "site.yaml"))]
EDITS: st.SearchStrategy[Tree] = st.sets(
    st.sampled_from([*sorted(CHOICES), *6 * LABELLED]),
    min_size=1, max_size=2,
).flatmap(
    lambda paths: st.fixed_dictionaries({path: st.sampled_from(CHOICES[path]) for path in paths})
)
SAID: list[tuple[str, JsonValue]] = [
    ("checks.disk.warning", "70%"), ("checks.disk.warning", 70), ("checks.disk.warning", "75%"),
    ("checks.disk", {"$remove": True}), ("checks.cpu.warning", "10%"), ("checks.new", {"kind": "cpu"}),
    ("mode", "observe"), ("mode", "enforce"), ("agent.heartbeat", "30s"), ("agent.heartbeat", "31s"),
    ("resources.pw", {"$remove": True}), ("resources.motd.content", "mine"),
    ("resources.more", {"kind": "file", "path": "/etc/more", "contentFrom": {"secretRef": "pw"}}),
]
OVERRIDES = st.one_of(st.just([]), st.lists(
    st.sampled_from(SAID), max_size=3, unique_by=lambda one: ".".join(one[0].split(".")[:2]),
)).flatmap(lambda said: st.sampled_from(["ada", "bob"]).map(lambda actor: tuple(
    Override("o1", path, value, actor, "archive", UNTIL) for path, value in sorted(said, key=lambda one: one[0])
)))
FACTS: st.SearchStrategy[dict[str, Scalar]] = st.fixed_dictionaries({}, optional={
    "ram_gb": st.sampled_from([4, 8, 8.0, True, "8"]), "os": st.sampled_from(["linux", "linux", "windows", "plan9", 1]),
})
LABELS = st.sampled_from([{}, {"role": "server"}, {"role": "desk"}])
FIRST, SECOND = {"files/motd": "1" * 64}, {"files/motd": "2" * 64}
DIGESTS = st.sampled_from([FIRST, SECOND, {}])
KNOWN = st.sampled_from([Opened("f1"), Opened("f2"), Opened("f3"), Opened(trouble="it does not open"), None])
KEYS = [Key("Secret", scope, "pw") for scope in (ORG, *(Scope("customer", name) for name in CUSTOMERS))]
OPENED = st.one_of(st.none(), st.fixed_dictionaries(dict.fromkeys(KEYS, KNOWN)).map(
    lambda found: {key: one for key, one in found.items() if one is not None}
))


@st.composite
def devices(draw: st.DrawFn, customer: str, number: int) -> Device:
    """A device of the customer, with the stamp that an inventory gives or without."""
    ident = hashlib.sha256(f"{customer}{number}".encode()).hexdigest()[:32]
    site = draw(st.sampled_from(["hq"] * 7 + ["far"]))
    one = Device(ident, f"pc{number}", Place(customer, site), draw(FACTS), draw(LABELS), draw(OVERRIDES))
    return stamped(one) if draw(st.booleans()) else one


def stamped(one: Device) -> Device:
    said = repr((one.id, one.name, *one.place, one.facts, one.op_labels))
    return replace(one, stamp=hashlib.sha256(said.encode()).digest())


@st.composite
def first_steps(draw: st.DrawFn, customer: str) -> Step:
    org = draw(TREES)
    own = org if draw(st.booleans()) else draw(TREES)
    fleet = tuple(draw(devices(customer, number)) for number in sorted(draw(st.sets(st.integers(1, 4), min_size=1))))
    if draw(st.booleans()):             # the same layers reach all of them
        fleet = tuple(replace(one, facts=fleet[0].facts, stamp=b"") for one in fleet)
    return Step(customer, org, own, fleet, draw(DIGESTS), draw(OPENED))


@st.composite
def next_steps(draw: st.DrawFn, before: Step) -> Step:
    """The same with one thing changed: as in life, and as it is most likely to be overlooked."""
    match draw(st.sampled_from(["both", "org", "own", "device", "overrides", "labels", "leave", "digests", "opened"])):
        case "both":
            changed = {**before.org, **draw(EDITS)}
            return before._replace(org=changed, own=changed)
        case "org":
            return before._replace(org={**before.org, **draw(EDITS)})
        case "own":
            return before._replace(own={**before.own, **draw(EDITS)})
        case "digests":
            return before._replace(digests=draw(DIGESTS))
        case "opened":
            return before._replace(opened=draw(OPENED))
        case "leave":
            return before._replace(devices=before.devices[1:])
        case what if before.devices:
            at = draw(st.integers(0, len(before.devices) - 1))
            one = before.devices[at]
            if what == "overrides":
                one = replace(one, overrides=draw(OVERRIDES))
            elif what == "labels":
                one = replace(one, op_labels=draw(LABELS))
                one = stamped(one) if one.stamp else one
            else:
                one = draw(devices(before.customer, int(one.name[2:])))
            return before._replace(devices=(*before.devices[:at], one, *before.devices[at + 1 :]))
    return before


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    found = [draw(first_steps(customer)) for customer in CUSTOMERS]
    for _ in range(draw(st.integers(1, 6))):
        found.append(draw(next_steps(draw(st.sampled_from(found[-3:])))))
    return found


def sources(step: Step, cache: ParseCache) -> Sources:
    org = fleet(step.org, "b" * 40, cache)
    return Sources(org, org if step.own is step.org else fleet(step.own, "c" * 40, cache))


def fleet(tree: Tree, revision: str, cache: ParseCache) -> Fleet:
    files = {path: text for path, text in {**BASE, **tree}.items() if text is not None}
    return load(MemoryTree(files, revision), cache)


def compiled(step: Step, found: Sources) -> Compiled:
    return compile_customer(found, step.customer, step.devices, step.digests, step.opened)


@settings(max_examples=60, deadline=None)
@given(histories())
def test_no_history_of_any_input_changes_an_answer(history: list[Step]) -> None:
    cache = ParseCache()
    for step in history:
        remembered, anew = compiled(step, sources(step, cache)), compiled(step, sources(step, ParseCache()))

        assert remembered == anew
        assert {bundle: hashlib.sha256(data).hexdigest() for bundle, data in remembered.bundles.items()} == {
            bundle: bundle for bundle in remembered.bundles
        }
        used = {one.bundle for one in anew.assigned.values() if isinstance(one, Effective)}
        assert used == set(anew.bundles)
        for device in step.devices:
            alone = Compiler(sources(step, ParseCache()), step.customer, step.digests, step.opened)
            assert remembered.assigned[device.id] == alone.assign(device)
            assert remembered.groups[device.id] == alone.groups(device)
            assert remembered.unfit.get(device.id, ()) == alone.unfit(device)


def test_a_label_that_changes_alone_changes_whom_a_policy_reaches() -> None:
    cache, paths = ParseCache(), ("customers/acme/customer.yaml", "customers/acme/sites/hq/site.yaml")
    kept = {path: texts[0] for path, texts in CHOICES.items() if path in (*paths, "org/disk.yaml")}
    tree = {**kept, "customers/acme/own.yaml": both(policy("own", DISK), policy("two", MEMORY))}
    first = Step("acme", tree, tree, (Device("a" * 32, "pc1", Place("acme", "hq")),), FIRST, None)
    steps = [first]
    for labelled in CHOICES[paths[0]]:
        changed = {**tree, paths[0]: labelled}
        steps.append(first._replace(org=changed, own=changed))
    answers = [compiled(step, sources(step, cache)) for step in steps]

    assert answers == [compiled(step, sources(step, ParseCache())) for step in steps]
    assert len({bundle for answer in answers for bundle in answer.bundles}) > 1
