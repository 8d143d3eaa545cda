"""Scalars and quantities: text means what YAML 1.2 and people say it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from guru_policy.model import Frozen
from guru_policy.quantities import Bytes, Duration, FileMode, ItemId, Percent
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml


@pytest.mark.parametrize(("text", "value"), [
    ("off", "off"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("12:30", "12:30"), ("2026-01-01", "2026-01-01"),
    ("0o17", 15), ("017", 17), ("0x1F", 31), ("-3", -3), ("+3", 3), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0),
    ("true", True), ("True", True), ("FALSE", False), ("tRUE", "tRUE"), ("null", None), ("~", None), ("", None),
    ("'1'", "1"), ('"true"', "true"), ("1_000", "1_000"), ("0b11", "0b11"), ("1.2.3", "1.2.3"),
    ("=", "="),
])
def test_scalars_follow_the_core_schema(text: str, value: JsonValue) -> None:
    (document,) = read_yaml("f.yaml", f"a: {text}\n".encode()).documents
    found = plain(document)

    assert isinstance(found, dict)
    assert (found["a"], type(found["a"])) == (value, type(value))


def test_every_value_knows_its_place_and_its_keys() -> None:
    (_, second) = read_yaml("f.yaml", b"---\n# nothing\n---\na: 1\n---\nb:\n  - x\n  - {c: d}\n").documents
    node = second.get("b")

    assert node is not None
    assert isinstance(node.value, list)
    inner = node.value[1].get("c")
    assert inner is not None
    assert (str(node.at("f")), str(inner.at("f")), str(inner.key_at("f"))) == ("f:6:1", "f:8:9", "f:8:6")


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_the_reader_raise(data: bytes) -> None:
    reading = read_yaml("f.yaml", data)

    assert all(str(fault).isprintable() for fault in reading.faults)


class Sample(Frozen):
    """One of each."""

    time: Duration = 0
    share: Percent = 0.0
    size: Bytes = 0
    mode: FileMode = 0
    id: ItemId = "x"


@pytest.mark.parametrize(("field", "written", "value"), [
    ("time", "90s", 90), ("time", "5m", 300), ("time", "1h30m", 5400), ("time", "1d", 86_400), ("time", 7, 7),
    ("share", "85%", 85.0), ("share", "12.5 %", 12.5), ("share", 3, 3.0), ("size", "10GiB", 10 << 30),
    ("size", "1.5KB", 1500), ("size", "512B", 512), ("size", 9, 9),
    ("mode", "0644", 0o644), ("mode", "755", 0o755), ("mode", "4755", 0o4755),
])
def test_quantities_read_what_people_write_and_what_they_dump(field: str, written: JsonValue, value: object) -> None:
    found = Sample.model_validate({field: written})

    assert getattr(found, field) == value
    assert Sample.model_validate(found.model_dump(mode="json")) == found
    assert Sample.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(("field", "written", "message"), [
    ("time", "5 minutes", "`5 minutes` is not a duration"), ("time", "", "`` is not a duration"),
    ("time", True, "`true` is not a duration"), ("time", -1, "`-1` is not between 0s and 366d"),
    ("share", "120%", "`120%` is not between 0% and 100%"), ("share", "x", "`x` is not a percentage"),
    ("size", "10G", "`10G` is not a size"), ("mode", 644, "the mode 644 is a number and not permission bits"),
    ("mode", "0999", "`0999` is not permission bits"),
])
def test_quantities_refuse_the_rest_with_a_sentence(field: str, written: JsonValue, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({field: written})

    assert [error["msg"] for error in caught.value.errors()] == [message]
