"""Whatever changes between two compiles, and for however many customers: a remembered answer is the one made anew.

Histories draw every input at random: both revisions of a customer's pair, devices with labels, facts and overrides,
windows that block changes, what is known of secrets, files. Each answer is held against one made without any memory,
and against devices compiled one by one, which share nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.compiling import Compiled, Compiler, Effective, compile_customer
from guru_policy.fleet import Sources
from guru_policy.inventory import Device, Override, Place, Scalar
from guru_policy.loading import ParseCache, load
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, group, policy, secret, written

CUSTOMERS = ("acme", "bolt")
UNTIL = 1_700_000_000_000
BLOCK = "effects: [block-changes]"
PW = "{kind: file, path: /etc/pw, contentFrom: {secretRef: pw}}"
DISK, MEMORY = "checks:\n  disk: {warning: 12%}", "selector: vip\nchecks: {m: {kind: memory}}"


class Step(NamedTuple):
    """One compile: of the organisation's and the customer's files of two revisions."""

    customer: str
    org: Mapping[str, str]
    own: Mapping[str, str]
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
            None, window("freeze", f"cron: 0 2 * * sun, duration: 3h, {BLOCK}, selector: op/role=server"),
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
        None, window("freeze", f"cron: 0 2 * * sun, duration: 3h, {BLOCK}"),
        window("freeze", f"cron: 0 2 * * sun, duration: 4h, {BLOCK}, selector: group=g"),
        window("quiet", "cron: 0 2 * * sun, duration: 3h"),
    ),
    "groups/groups.yaml": (
        None, group("g", 1, "fact/ram_gb>=8"), group("g", 1, "op/role=server"),
        both(group("g", 1, "op/role=server"), group("h", 2)), both(group("g", 3, "op/role=server"), group("h", 2)),
    ),
    "groups/g/g.yaml": (None, policy("g", "checks:\n  disk: {warning: 60%}")),
    "groups/h/h.yaml": (None, policy("h", "checks:\n  disk: {warning: 55%}"), policy("h", "agent: {heartbeat: 30s}")),
    "groups/g/window.yaml": (None, window("freeze", f"cron: 0 5 * * *, duration: 1h, {BLOCK}")),
}


def trees(choices: Mapping[str, Sequence[str | None]]) -> st.SearchStrategy[dict[str, str]]:
    drawn = st.fixed_dictionaries({path: st.sampled_from(texts) for path, texts in choices.items()})
    return drawn.map(lambda found: {path: text for path, text in found.items() if text is not None})


EVERYTHING = trees({**OF_ORG, **of_customer("acme"), **of_customer("bolt")})
SAID: list[tuple[str, JsonValue]] = [
    ("checks.disk.warning", "70%"), ("checks.disk.warning", 70), ("checks.disk.warning", "75%"),
    ("checks.disk", {"$remove": True}), ("checks.cpu.warning", "10%"), ("checks.new", {"kind": "cpu"}),
    ("mode", "observe"), ("mode", "enforce"), ("agent.heartbeat", "30s"), ("agent.heartbeat", "31s"),
    ("resources.pw", {"$remove": True}), ("resources.motd.content", "mine"),
    ("resources.more", {"kind": "file", "path": "/etc/more", "contentFrom": {"secretRef": "pw"}}),
]
OVERRIDES = st.lists(
    st.sampled_from(SAID), max_size=3, unique_by=lambda one: ".".join(one[0].split(".")[:2]),
).flatmap(lambda said: st.sampled_from(["ada", "bob"]).map(lambda actor: tuple(
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
def fleets(draw: st.DrawFn, customer: str) -> tuple[Device, ...]:
    """A few devices of the customer, with the stamps that an inventory gives or without."""
    found = []
    for number in sorted(draw(st.sets(st.integers(1, 4), min_size=1))):
        site = draw(st.sampled_from(["hq"] * 7 + ["far"]))
        ident = hashlib.md5(f"{customer}{number}".encode(), usedforsecurity=False).hexdigest()
        one = Device(ident, f"pc{number}", Place(customer, site), draw(FACTS), draw(LABELS), draw(OVERRIDES))
        if draw(st.booleans()):
            said = repr((one.id, one.name, *one.place, one.facts, one.op_labels))
            one = replace(one, stamp=hashlib.sha256(said.encode()).digest())
        found.append(one)
    return tuple(found)


@st.composite
def steps(draw: st.DrawFn, customer: str, before: Step | None) -> Step:
    """A compile that differs from the customer's one before in some of its inputs, often in one only."""
    org = draw(EVERYTHING)
    own = org if draw(st.booleans()) else draw(EVERYTHING)
    anew = Step(customer, org, own, draw(fleets(customer)), draw(DIGESTS), draw(OPENED))
    if before is None:
        return anew
    kept = draw(st.sets(st.sampled_from(Step._fields[1:]), min_size=2))
    return anew._replace(**{field: getattr(before, field) for field in kept})


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    found: list[Step] = []
    for _ in range(draw(st.integers(2, 6))):
        customer = draw(st.sampled_from(CUSTOMERS))
        found.append(draw(steps(customer, next((one for one in found[::-1] if one.customer == customer), None))))
    return found


def sources(step: Step, cache: ParseCache) -> Sources:
    org = load(MemoryTree({**BASE, **step.org}, "b" * 40), cache)
    return Sources(org, org if step.own is step.org else load(MemoryTree({**BASE, **step.own}, "c" * 40), cache))


def compiled(step: Step, found: Sources) -> Compiled:
    return compile_customer(found, step.customer, step.devices, step.digests, step.opened)


@settings(max_examples=80, deadline=None)
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
