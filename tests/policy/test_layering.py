"""Layers: what wins, what locks, what conflicts; for any policies, not only for chosen ones."""

from __future__ import annotations

import random

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.layering import CUSTOMER, DEVICE, ORG, SITE, Layer, Resolved, Resolver
from guru_policy.merged import history, value_of
from guru_policy.text.reading import read_yaml

LEVELS = (ORG, CUSTOMER, SITE, DEVICE)
KEYS = st.sampled_from(["a", "b", "c"])
LEAVES: st.SearchStrategy[JsonValue] = st.one_of(
    st.integers(0, 3), st.booleans(), st.sampled_from(["x", "y"]), st.lists(st.integers(0, 2), max_size=2)
)


def maps(values: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonValue]:
    """Maps with one entry at least: the empty map has a meaning of its own."""
    return st.dictionaries(KEYS, values, min_size=1, max_size=3)


REMOVE: st.SearchStrategy[JsonValue] = st.just({"$remove": True})
TREES = maps(st.recursive(LEAVES, lambda inner: maps(st.one_of(inner, REMOVE)), max_leaves=6))
PLAIN_TREES = maps(st.recursive(LEAVES, maps, max_leaves=6))


def layer(level: int, value: JsonValue, name: str = "", locks: tuple[str, ...] = ()) -> Layer:
    """A layer that says `value` under `checks`."""
    path = f"{name or level}.yaml"
    node = read_yaml(path, yaml.safe_dump({"checks": value}).encode()).documents[0]
    places = tuple((tuple(lock.split(".")), node.at(path)) for lock in locks)
    return Layer((level, 0), str(level), "r", path, node, places)


def resolve(*layers: Layer) -> Resolved:
    """The layers merged by a fresh resolver."""
    return Resolver().resolve(layers)


def checks(resolved: Resolved) -> JsonValue:
    """What `checks` came to."""
    value = value_of(resolved.table)
    return value.get("checks") if isinstance(value, dict) else None


def merged(low: JsonValue, high: JsonValue) -> JsonValue:
    """The rule in its shortest form: maps merge, everything else replaces, `$remove` takes away."""
    if not isinstance(high, dict):
        return high
    result = dict(low) if isinstance(low, dict) else {}
    for key, value in high.items():
        if value == {"$remove": True}:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(st.lists(TREES, min_size=1, max_size=4))
def test_layers_merge_from_the_lowest_to_the_highest(values: list[JsonValue]) -> None:
    expected: JsonValue = {}
    for value in values:
        expected = merged(expected, value)

    found = resolve(*(layer(level, value) for level, value in zip(LEVELS, values, strict=False)))

    assert checks(found) == expected
    assert found.faults == ()


@given(st.lists(st.tuples(st.sampled_from(LEVELS), TREES), min_size=2, max_size=6), st.randoms())
def test_the_order_in_which_policies_are_read_changes_nothing(
    said: list[tuple[int, JsonValue]], dice: random.Random
) -> None:
    layers = [layer(level, value, f"p{i}") for i, (level, value) in enumerate(said)]
    shuffled = layers.copy()
    dice.shuffle(shuffled)

    one, other = resolve(*layers), resolve(*shuffled)

    assert (value_of(one.table), one.faults) == (value_of(other.table), other.faults)
    assert (one.hit, one.missed) == (other.hit, other.missed)


@given(PLAIN_TREES, PLAIN_TREES)
def test_two_policies_of_one_rank_conflict_exactly_where_they_differ(one: JsonValue, other: JsonValue) -> None:
    found = resolve(layer(ORG, one, "one"), layer(ORG, other, "two"))

    assert len(found.faults) == len(differences(one, other))
    assert all(f.origin.path == "two.yaml" and "one.yaml:" in f.message for f in found.faults)


def differences(one: JsonValue, other: JsonValue) -> list[str]:
    """The places that both name, with different values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [d for key in one.keys() & other.keys() for d in differences(one[key], other[key])]
    return [] if repr(one) == repr(other) else ["differ"]


@given(TREES, TREES)
def test_what_is_said_twice_is_said_once(low: JsonValue, high: JsonValue) -> None:
    once = resolve(layer(ORG, low), layer(SITE, high))
    twice = resolve(layer(ORG, low), layer(SITE, high, "one"), layer(SITE, high, "two"))

    assert (checks(twice), twice.faults) == (checks(once), ())


@given(PLAIN_TREES, PLAIN_TREES, KEYS)
def test_removing_takes_away_exactly_what_is_inherited(low: JsonValue, mid: JsonValue, key: str) -> None:
    inherited = merged(low, mid)
    assert isinstance(inherited, dict)
    found = resolve(layer(ORG, low), layer(CUSTOMER, mid), layer(SITE, {key: {"$remove": True}}))

    assert checks(found) == {k: v for k, v in inherited.items() if k != key}
    assert (len(found.hit), len(found.missed)) == ((1, 0) if key in inherited else (0, 1))


@given(PLAIN_TREES, PLAIN_TREES)
def test_replace_begins_a_map_anew(low: JsonValue, high: JsonValue) -> None:
    assert isinstance(high, dict)

    assert checks(resolve(layer(ORG, low), layer(SITE, {"$replace": True, **high}))) == high
    assert checks(resolve(layer(ORG, low), layer(SITE, {}))) == {}


@given(PLAIN_TREES, PLAIN_TREES)
def test_an_enforced_value_never_changes_without_a_fault(low: JsonValue, high: JsonValue) -> None:
    found = resolve(layer(ORG, low, "low", ("checks",)), layer(SITE, high, "high"))

    changed = repr(normal(checks(found))) != repr(normal(low))
    assert bool(found.faults) == changed
    assert all(f.origin.path == "high.yaml" and "enforced by low.yaml:" in f.message for f in found.faults)


def normal(value: JsonValue) -> JsonValue:
    """With maps in one order."""
    return {k: normal(value[k]) for k in sorted(value)} if isinstance(value, dict) else value


@given(st.lists(TREES, min_size=2, max_size=4), KEYS)
@settings(max_examples=60)
def test_the_history_of_a_leaf_begins_with_its_winner(values: list[JsonValue], key: str) -> None:
    found = resolve(*(layer(level, value) for level, value in zip(LEVELS, values, strict=False)))
    past = list(history(found.table, ("checks", key)))
    value = checks(found)

    assert isinstance(value, dict)
    if past and past[0].live:
        assert normal(value_of(past[0])) == normal(value[key])
    else:
        assert key not in value


def test_true_is_not_one() -> None:
    found = resolve(layer(ORG, {"a": True}, "one"), layer(ORG, {"a": 1}, "two"))

    assert [str(fault) for fault in found.faults] == [
        "two.yaml:2:6: checks.a is `1` here and `true` in one.yaml:2:6, at the same rank "
        "(give one group a higher priority, or keep the value in one place)"
    ]


def test_common_beginnings_are_merged_once() -> None:
    resolver = Resolver()
    org, site, other = layer(ORG, {"a": {"x": 1}}), layer(SITE, {"b": 1}), layer(DEVICE, {"b": 2})
    one, two = resolver.resolve([org, site]), resolver.resolve([org, other])

    first, second = one.table.entries["checks"], two.table.entries["checks"]
    assert first.entries["a"] is second.entries["a"]  # type: ignore[union-attr]  # both are maps by construction
