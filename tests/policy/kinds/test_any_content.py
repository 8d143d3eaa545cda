"""Documents of every kind, nearly right and quite wrong: faults come back, and nothing is raised."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.compiling import Sources, compile_customer
from guru_policy.explaining import EXPLAINED, explain
from guru_policy.kinds import KINDS, models_of
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, device

FOLDERS = ("org", "customers/acme", "customers/acme/sites/hq", "groups", "groups/a", "devices/acme/hq", ".")
SCALARS = st.sampled_from([
    "", "a", "ok*3", "5m", "10%", "0 2 * * *", "device", "UTC", "org", "org/a.age", "files/a.png", "https://a.example/",
    "user:a", "device.read", "RunCommand", "About", "policy", "1.0.0", "linux", "#000000", 0, 1, -1, 2.5, True, None,
    "acme", "hq", "checks.a", "fact/a=b", "{", "(",
])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["a", "b", "type", "label", "icon", "$remove", "$replace", "linux", "A b"]),
                        inner, max_size=3),
    ),
    max_leaves=6,
)


def spec_of(kind: str) -> st.SearchStrategy[Any]:
    """Specs with the kind's own fields and any values."""
    names = sorted({field.alias or name for model in models_of(kind) for name, field in model.model_fields.items()})
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=6)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_document_of_a_kind_is_an_object_or_has_faults(kind: str, data: st.DataObject) -> None:
    folder = data.draw(st.sampled_from(FOLDERS))
    document = {"apiVersion": "guru/v1", "kind": kind, "metadata": {"name": "a"}, "spec": data.draw(spec_of(kind))}
    found = load(MemoryTree({**BASE, f"{folder}/x.yaml".removeprefix("./"): json.dumps(document)}))
    sources = Sources(found, found)
    result = compile_customer(sources, "acme", [device()], {})
    told = [explain(sources, device(), section) for section in EXPLAINED]

    assert set(result.assigned) == {device().id}
    assert len(told) == len(EXPLAINED)
    assert all(fault.message.isprintable() for fault in found.faults)
