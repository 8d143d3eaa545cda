"""Whatever stands in a repository, loading and compiling answer with faults and never raise."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.compiling import Sources, compile_customer
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, device

WORDS = st.sampled_from([
    "apiVersion", "guru/v1", "kind", "metadata", "name", "labels", "renamedFrom", "spec", "Policy", "AlertRule",
    "NotificationChannel", "Customer", "DeviceGroup", "selector", "checks", "resources", "agent", "heartbeat",
    "enforced", "mode", "observe", "after", "every", "type", "webhook", "url", "cpu", "file", "path", "/x", "a",
    "checks.a", "$remove", "$replace", "$mode", "disk_space", "content", "source", "notify", "check", "for",
    "priority", "acme", "fleet.yaml", "",
])
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.one_of(WORDS, st.integers(-1, 10**20), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
ITEMS = st.dictionaries(st.sampled_from(["a", "b", "A b"]), st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {}, optional={"kind": st.sampled_from(["cpu", "file", "command"]), "path": VALUES, "content": VALUES,
                      "after": VALUES, "$remove": VALUES, "warning": VALUES, "observe": VALUES},
    ),
), max_size=2)
OBJECTS = st.fixed_dictionaries(
    {"apiVersion": st.just("guru/v1"), "kind": st.one_of(WORDS, VALUES)},
    optional={
        "metadata": st.one_of(VALUES, st.fixed_dictionaries({"name": st.sampled_from(["a", "acme", "x y"])})),
        "spec": st.one_of(VALUES, st.fixed_dictionaries(
            {}, optional={"checks": ITEMS, "resources": ITEMS, "agent": VALUES, "enforced": VALUES, "mode": VALUES},
        )),
    },
)
PATHS = st.sampled_from([
    "x.yaml", "org/x.yml", "customers/acme/x.yaml", "customers/acme/sites/hq/x.yaml", "groups/a/x.yaml",
    "groups/x.yaml", "devices/acme/hq/x.yaml", "devices/acme/x.yaml", "customers/x.yaml", "customers/Ä/x.yaml",
])


@given(st.dictionaries(PATHS, st.one_of(OBJECTS, VALUES), max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_content_loads_to_faults_and_compiles_to_bundles_or_faults(said: dict[str, JsonValue]) -> None:
    files: dict[str, bytes | str] = {path: json.dumps(value) for path, value in said.items()}
    found = load(MemoryTree(BASE | files))
    result = compile_customer(Sources(found, found), "acme", [device("a")], {})

    assert all(str(fault).isprintable() for fault in found.faults)
    assert all("Node(" not in str(fault) for fault in found.faults)
    assert set(result.assigned) == {device("a").id}
