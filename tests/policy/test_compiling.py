"""Compiling: what each device gets, why not, and that nothing but the input decides."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.bundle import LANGUAGE, Bundle, heartbeat_of
from guru_policy.compiling import Compiled, Effective, Sources, compile_customer
from guru_policy.errors import InputInvalid
from guru_policy.explaining import explain
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place
from guru_wire import version
from tests.policy.writing import device, fleet, group, policy, written

DIGEST = hashlib.sha256(b"hello").hexdigest()


def compiled(found: Fleet, *devices: Device, digests: Mapping[str, str] | None = None) -> Compiled:
    """Acme's devices compiled; the fleet has no faults but warnings."""
    assert [fault for fault in found.faults if fault.severity == "error"] == []
    return compile_customer(Sources(found, found), "acme", devices or (device(),), digests or {})


def bundle(found: Fleet, one: Device | None = None, digests: Mapping[str, str] | None = None) -> Bundle:
    """The one device's bundle."""
    one = one or device()
    result = compiled(found, one, digests=digests)
    assigned = result.assigned[one.id]
    assert isinstance(assigned, Effective), assigned
    return Bundle.model_validate_json(result.bundles[assigned.bundle])


def faults(found: Fleet, one: Device | None = None) -> list[str]:
    """The one device's faults."""
    one = one or device()
    assigned = compiled(found, one).assigned[one.id]
    assert not isinstance(assigned, Effective)
    return [str(fault) for fault in assigned]


def spec(found: Bundle, check: str) -> dict[str, JsonValue]:
    """A check's spec."""
    return next(item.spec for item in found.checks if item.id == check)


DISK = policy("base", "checks:\n  disk: {kind: disk_space, warning: 85%, every: 5m}")


def test_the_nearest_layer_wins_leaf_by_leaf() -> None:
    found = bundle(fleet({
        "org/base.yaml": DISK,
        "customers/acme/p.yaml": policy("p", "checks: {disk: {critical: 99%}}"),
        "customers/acme/sites/hq/p.yaml": policy("p", "checks: {disk: {warning: 70%}}"),
        "devices/acme/hq/pc1.yaml": policy("pc1", "checks: {disk: {path: /data}}"),
        "devices/acme/hq/pc2.yaml": policy("pc2", "checks: {disk: {path: /other}}"),
    }), device("PC1"))

    disk = spec(found, "disk")
    assert (disk["warning"], disk["critical"], disk["path"]) == (70.0, 99.0, "/data")
    assert (found.checks[0].every, found.language) == (300, LANGUAGE)


def test_a_policy_that_says_nothing_of_any_section_empties_nothing() -> None:
    quiet = policy("quiet", "mode: observe")
    found = bundle(fleet({"org/base.yaml": DISK, "customers/acme/p.yaml": quiet, "devices/acme/hq/pc1.yaml": policy(
        "pc1", "{}")}))

    assert spec(found, "disk")["warning"] == 85.0
    assert found.agent.heartbeat == 60


@pytest.mark.parametrize(("org", "acme", "what"), [
    (policy("p", "resources: {motd: {kind: file, path: /etc/motd, content: hi}}"),
     policy("q", "resources: {motd: {source: customers/birch/plan.txt, content: {$remove: true}}}"), "resources.motd"),
    (written("ActionSet", "p", "actions: {go: {type: RunScript, label: Go, shell: sh, script: ls}}"),
     written("ActionSet", "q", "actions: {go: {source: customers/birch/plan.txt, script: {$remove: true}}}"),
     "actions.go"),
    (written("Branding", "p", "displayName: Ours"),
     written("ActionSet", "q", "actions: {go: {type: About, label: Go, icon: customers/birch/logo.png}}"),
     "actions.go"),
])
def test_no_layer_of_a_customer_carries_another_customers_file(org: str, acme: str, what: str) -> None:
    named = "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: birch}\n"
    files = {"customers/birch/plan.txt": "ours", "customers/birch/logo.png": "ours"}
    policies = {"org/p.yaml": org, "customers/acme/q.yaml": acme}
    found = fleet({"customers/birch/customer.yaml": named, **files, **policies})
    result = compile_customer(Sources(found, found), "acme", [device()], dict.fromkeys(files, DIGEST))
    assigned = result.assigned[device().id]

    assert not isinstance(assigned, Effective)
    assert [fault.message.partition(" `")[0] for fault in assigned] == [f"{what}: there is no file"]


def test_the_group_of_the_higher_priority_wins() -> None:
    files = {
        "org/base.yaml": DISK,
        "groups/low.yaml": group("low", 10), "groups/high.yaml": group("high", 20),
        "groups/low/p.yaml": policy("p", "checks: {disk: {warning: 10%}}"),
        "groups/high/p.yaml": policy("p", "checks: {disk: {warning: 20%}}"),
    }

    assert spec(bundle(fleet(files)), "disk")["warning"] == 20.0
    assert faults(fleet(files | {"groups/high.yaml": group("high", 10)})) == [
        "groups/low/p.yaml:5:28: checks.disk.warning is `10%` here and `20%` in groups/high/p.yaml:5:28, "
        "at the same rank (give one group a higher priority, or keep the value in one place)"
    ]


def test_a_lower_layer_cannot_change_what_is_enforced() -> None:
    found = fleet({
        "org/base.yaml": policy("base", "enforced: [checks.disk]\nchecks: {disk: {kind: disk_space}}"),
        "customers/acme/p.yaml": policy("p", "checks: {disk: {warning: 50%}}"),
    })

    assert faults(found) == [
        "customers/acme/p.yaml:5:28: checks.disk.warning is enforced by org/base.yaml:5:14 and cannot change "
        "here (take it out here, or have it taken out of `enforced`)"
    ]


def test_removing_a_check_leaves_it_out_and_one_that_is_not_there_warns() -> None:
    files = {"org/base.yaml": DISK, "customers/acme/p.yaml": policy("p", "checks: {disk: {$remove: true}}")}

    assert bundle(fleet(files)).checks == ()
    assert compiled(fleet(files)).warnings == ()
    assert [str(f) for f in compiled(fleet(files | {"org/base.yaml": policy("x", "checks: {}")})).warnings] == [
        "customers/acme/p.yaml:5:12: `$remove` removes nothing: nothing is inherited here (take it out)"
    ]


def test_resources_come_in_the_order_they_need_and_otherwise_by_layer_and_id() -> None:
    found = fleet({
        "customers/acme/p.yaml": policy("p", "resources: {a: {kind: directory, path: /a}}"),
        "org/base.yaml": policy("base", """
resources:
  z: {kind: directory, path: /z, after: [y]}
  y: {kind: directory, path: /y}
  b: {kind: directory, path: /b, after: [a]}
"""),
    })

    assert [item.id for item in bundle(found).resources] == ["y", "z", "a", "b"]


def test_a_circle_and_an_unknown_id_are_faults_at_their_leaf() -> None:
    circle = "resources:\n  a: {kind: directory, path: /a, after: [b]}\n  b: {kind: directory, path: /b, after: [a]}"
    unknown = "resources:\n  web: {kind: directory, path: /a}\n  b: {kind: directory, path: /b, after: [wbe]}"

    assert faults(fleet({"org/a.yaml": policy("a", circle)})) == [
        "org/a.yaml:6:36: resources.a: waits for itself: a after b after a (take one `after` out)"
    ]
    assert faults(fleet({"org/a.yaml": policy("a", unknown)})) == [
        "org/a.yaml:7:36: resources.b: there is no resource `wbe` on the same device (did you mean `web`?)"
    ]


@pytest.mark.parametrize(("customer", "of_policy", "of_resource", "mode"), [
    ("", "", "", "enforce"),
    ("mode: observe", "", "", "observe"),
    ("mode: observe", "mode: enforce", "", "enforce"),
    ("", "mode: observe", ", observe: false", "enforce"),
    ("mode: enforce", "mode: enforce", ", observe: true", "observe"),
])
def test_the_mode_is_the_resources_else_the_policys_else_the_customers(
    customer: str, of_policy: str, of_resource: str, mode: str
) -> None:
    head = "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n"
    text = f"{of_policy}\nresources: {{a: {{kind: directory, path: /a{of_resource}}}}}"
    found = bundle(fleet({
        "customers/acme/customer.yaml": head + f"spec: {{{customer}}}\n", "org/a.yaml": policy("a", text),
    }))

    assert [item.mode for item in found.resources] == [mode]


def test_a_file_from_the_repository_travels_by_its_digest() -> None:
    found = fleet({
        "org/a.yaml": policy("a", "resources: {a: {kind: file, path: /a, source: files/hello, mode: '0600'}}"),
        "files/hello": "hello",
    })
    result = bundle(found, digests={"files/hello": DIGEST})

    assert set(found.asset_entries()) == {"files/hello"}
    assert result.blobs == (DIGEST,)
    assert (result.resources[0].spec["digest"], result.resources[0].spec["source"]) == (DIGEST, None)
    assert faults(found) == [
        "org/a.yaml:5:49: resources.a: there is no file `files/hello` in the repository"
    ]


def test_a_file_that_only_a_partial_resource_names_is_an_asset_too() -> None:
    found = fleet({
        "org/a.yaml": policy("a", "resources: {a: {kind: file, path: /a, source: files/one}}"),
        "customers/acme/p.yaml": policy("p", "resources: {a: {source: files/two}}"),
        "files/one": "1", "files/two": "2", "files/three": "3",
    })

    assert set(found.asset_entries()) == {"files/one", "files/two"}
    assert bundle(found, digests={"files/two": DIGEST}).blobs == (DIGEST,)


def test_what_only_the_merge_shows_to_be_wrong_is_a_fault_at_its_leaf() -> None:
    found = fleet({
        "org/base.yaml": DISK, "customers/acme/p.yaml": policy("p", "checks: {disk: {waring: 70%}}"),
    })

    assert faults(found) == [
        "customers/acme/p.yaml:5:19: checks.disk.waring: there is no such field (did you mean `warning`?)"
    ]


def test_a_device_without_its_site_in_the_repository_has_a_fault_and_others_compile() -> None:
    lost = Device("2" * 32, "pc2", Place("acme", "gone"))
    result = compiled(fleet({"org/base.yaml": DISK}), device(), lost)

    assert isinstance(result.assigned[device().id], Effective)
    assert [str(fault) for fault in result.assigned[lost.id]] == [
        "customers/acme/sites/gone: there is no Site object `gone`, and it has devices"
    ]


def test_a_device_of_another_customer_is_refused() -> None:
    with pytest.raises(InputInvalid, match="belongs to birch"):
        compiled(fleet(), Device("2" * 32, "pc2", Place("birch", "hq")))


def test_the_organisation_and_the_customer_can_stand_at_different_revisions() -> None:
    old = fleet({"customers/acme/p.yaml": policy("p", "checks: {disk: {warning: 50%}}"), "org/base.yaml": DISK},
                "b" * 40)
    new = fleet({"org/base.yaml": DISK.replace("5m", "9m")}, "c" * 40)
    sources = Sources(org=new, customer=old)
    result = compile_customer(sources, "acme", [device()], {})
    found = Bundle.model_validate_json(next(iter(result.bundles.values())))

    assert (found.checks[0].every, spec(found, "disk")["warning"]) == (540, 50.0)
    assert [c.revision for c in explain(sources, device(), "checks.disk.warning").candidates] == [
        "b" * 40, "c" * 40,
    ]


def test_explain_names_winner_and_losers_with_their_places() -> None:
    found = fleet({
        "org/base.yaml": DISK,
        "customers/acme/p.yaml": policy("p", "checks: {disk: {warning: 50%}}"),
        "devices/acme/hq/pc1.yaml": policy("pc1", "checks: {disk: {$remove: true}}"),
    })
    sources = Sources(found, found)
    here, gone = explain(sources, device("pc2"), "checks.disk.warning"), explain(
        sources, device("pc1"), "checks.disk.warning"
    )

    assert (here.value, here.absent) == (50.0, False)
    assert [(c.value, c.layer, str(c.origin)) for c in here.candidates] == [
        ("50%", "customer acme", "customers/acme/p.yaml:5:28"), ("85%", "org", "org/base.yaml:6:39"),
    ]
    assert (gone.value, gone.absent) == (None, True)
    assert [(c.action, c.layer) for c in gone.candidates] == [
        ("remove", "device pc1"), ("set", "customer acme"), ("set", "org"),
    ]
    assert explain(sources, device("pc2"), "agent.converge").candidates[0].layer == "built-in"
    assert explain(sources, device("pc2"), "checks.disk.critical").candidates[0].layer == "built-in"


VALUES = st.integers(1, 99).map(lambda n: f"{n}%")
POLICIES = st.lists(
    st.tuples(
        st.sampled_from(["org", "customers/acme", "customers/acme/sites/hq", "groups/g1", "groups/g2"]),
        st.sampled_from(["", "os=linux", "fact/ram>=8", "group=g1", "!os", "name=pc*"]),
        st.dictionaries(st.sampled_from(["disk", "data"]), VALUES, min_size=1),
    ),
    max_size=6,
)


@given(POLICIES, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_same_input_in_any_order_gives_the_same_bytes(
    said: list[tuple[str, str, dict[str, str]]], dice: random.Random
) -> None:
    files: dict[str, bytes | str | None] = {
        "groups/g1.yaml": group("g1", 10, "os=linux"), "groups/g2.yaml": group("g2", 10),
    }
    for i, (folder, selector, checks) in enumerate(said):
        lines = "".join(f"  {k}: {{kind: disk_space, warning: {v}, critical: 100%}}\n" for k, v in checks.items())
        files[f"{folder}/p{i}.yaml"] = policy(f"p{i}", f"selector: '{selector}'\nchecks:\n{lines}")
    devices = [device(f"pc{i}", i, **({"os": "linux"} if i % 2 else {}), ram=i * 4) for i in range(4)]
    shuffled_files, shuffled_devices = list(files.items()), devices.copy()
    dice.shuffle(shuffled_files)
    dice.shuffle(shuffled_devices)

    assert compiled(fleet(files), *devices) == compiled(fleet(dict(shuffled_files)), *shuffled_devices)


def test_a_bundle_reads_back_as_it_was_and_names_its_language() -> None:
    found = bundle(fleet({"org/base.yaml": DISK}))

    assert Bundle.model_validate(orjson.loads(found.to_bytes())) == found
    assert found.language == version.LANGUAGE


def test_a_bundles_bytes_are_canonical_json_of_all_that_it_holds() -> None:
    found = bundle(fleet({
        "org/base.yaml": DISK, "org/more.yaml": policy("more", "resources:\n  tmp: {kind: directory, path: /srv/x}"),
    }))

    assert found.to_bytes() == orjson.dumps(found.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    assert heartbeat_of(found.to_bytes()) == found.agent.heartbeat
