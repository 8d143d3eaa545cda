"""Every value that a device gets anew names who wrote it, or that nobody did."""

from __future__ import annotations

from guru_policy.bundle import Bundle
from guru_policy.comparing import FieldChange, device_changes
from guru_policy.compiling import Compiler
from guru_policy.fleet import Fleet, Sources
from guru_policy.provenance import Authors
from tests.policy.writing import device, fleet, policy

HOURS = "resources:\n  hours:\n    kind: file\n    path: /etc/hours\n    content: nine\n    mode: '0644'"


def bundle(found: Fleet) -> Bundle:
    made = Compiler(Sources(found, found), "acme", {"files/a": "0" * 64}).bundle(device())
    assert made is not None
    return made


def changed(old: Fleet | None, new: Fleet) -> dict[str, FieldChange]:
    """The device's changes by path, with their authors."""
    changes = device_changes(bundle(old) if old else None, bundle(new))
    return {one.path: one for one in Authors(Sources(new, new)).attributed(device(), changes)}


def test_a_written_value_names_its_file_and_line() -> None:
    found = changed(fleet({}), fleet({"org/hours.yaml": policy("hours", HOURS)}))

    assert found["resources.hours.content"].why.startswith("org/hours.yaml:")
    assert not found["resources.hours.content"].default


def test_what_nobody_wrote_is_a_default_when_it_is_the_kinds_own() -> None:
    found = changed(fleet({}), fleet({"org/hours.yaml": policy("hours", HOURS)}))

    assert {path.rpartition(".")[2] for path, one in found.items() if one.default} == {
        "after", "backup", "digest", "ensure", "group", "observe", "owner", "source",
    }


def test_a_default_that_somebody_wrote_is_no_default() -> None:
    found = changed(fleet({}), fleet({"org/hours.yaml": policy("hours", f"{HOURS}\n    backup: true")}))

    assert not found["resources.hours.backup"].default


def test_the_digest_of_a_file_in_the_repository_is_no_default() -> None:
    source = HOURS.replace("content: nine", "source: files/a")
    found = changed(fleet({}), fleet({"org/hours.yaml": policy("hours", source), "files/a": "x"}))

    assert not found["resources.hours.digest"].default


def test_a_value_that_falls_back_to_the_default_says_so() -> None:
    old = fleet({"org/a.yaml": policy("a", "checks: {c: {kind: cpu, warning: 50%}}")})
    found = changed(old, fleet({"org/a.yaml": policy("a", "checks: {c: {kind: cpu}}")}))

    assert list(found) == ["checks.c.warning"]
    assert found["checks.c.warning"].default


def test_the_layer_that_wins_is_named() -> None:
    base = policy("a", "checks: {c: {kind: cpu, warning: 50%}}")
    new = {"org/a.yaml": base, "customers/acme/b.yaml": policy("b", "checks: {c: {warning: 60%}}")}
    found = changed(fleet({"org/a.yaml": base}), fleet(new))

    assert found["checks.c.warning"].why.startswith("customers/acme/b.yaml:")


def test_what_a_layer_took_away_names_that_layer() -> None:
    base = policy("a", "checks: {c: {kind: cpu}}")
    new = {"org/a.yaml": base, "customers/acme/b.yaml": policy("b", "checks: {c: {$remove: true}}")}
    found = changed(fleet({"org/a.yaml": base}), fleet(new))

    assert found["checks.c.kind"].to_absent
    assert found["checks.c.kind"].why.startswith("customers/acme/b.yaml:")
