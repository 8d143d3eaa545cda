"""What a field may hold, told offline from the models."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.checks import CHECKS
from guru_policy.errors import NotFound
from guru_policy.kinds import KINDS
from guru_policy.kinds.role import VERBS
from guru_policy.schema.describing import describe, kinds

PAGES = Path(__file__).parents[3] / "docs" / "kinds"


@pytest.mark.parametrize(("path", "type_", "default", "allowed"), [
    ("Policy.spec.checks.disk_space.warning", "percent", "75%", ()),
    ("disk_space.criticalFree", "size", "", ()),
    ("Policy.spec.checks.any-id.every", "duration", "1m", ()),
    ("Policy.spec.agent.heartbeat", "duration", "", ()),
    ("Customer.spec.timezone", "time zone", "UTC", ()),
    ("Customer.metadata.renamedFrom", "name or list of name", "", ()),
    ("AlertRule.spec.severity", "word", "medium", ("info", "low", "medium", "high", "critical")),
    ("ActionSet.spec.actions.restart.confirm", "text", "", ()),
    ("ActionSet.spec.actions.type", "word", "RunCommand", ("RunCommand",)),
    ("Rollout.spec.batches.canary.soak", "duration", "0s", ()),
    ("Rollout.batches.soak", "duration", "0s", ()),
    ("CommandTemplate.spec.output", "size", "64KiB", ()),
    ("Test.spec.timeline.0.state", "word", "", ("inactive", "pending", "firing", "resolved")),
    ("Secret.spec.recipients", "map of age recipient", "", ()),
    ("file.ensure", "word", "present", ("present", "absent")),
])
def test_a_path_leads_to_type_default_and_allowed_values(
    path: str, type_: str, default: str, allowed: tuple[str, ...]
) -> None:
    found = describe(path)

    assert (found.type, found.default, found.allowed) == (type_, default, allowed)


def test_a_kind_lists_its_fields_with_what_stands_below_them() -> None:
    found = describe("EscalationPolicy")
    paths = [row.path for row in found.fields]

    assert found.description == "Steps in the order of their times, for the alerts that match."
    assert "steps.*.unlessAcknowledged" in paths
    assert next(row for row in found.fields if row.path == "steps").required


def test_variants_tell_which_of_them_has_a_field() -> None:
    fields = {row.path: row for row in describe("ActionSet.spec.actions").fields}

    assert fields["timeout"].description == "RunCommand, RestartService, RunScript: then it is ended"
    assert fields["type"].allowed[:2] == ("RunCommand", "RestartService")
    assert fields["label"].required


def test_kinds_of_checks_stand_below_the_map_that_holds_them() -> None:
    paths = {row.path for row in describe("Policy.spec.checks").fields}

    assert paths == {"every", *CHECKS}


@pytest.mark.parametrize(("path", "message", "hint"), [
    ("Polcy", "there is no kind 'Polcy'", "did you mean `Policy`?"),
    ("disk_space.warnng", "there is no field 'warnng' in disk_space", "did you mean `warning`?"),
    ("Policy.spec.agent.hartbeat", "there is no field 'hartbeat' in Policy.spec.agent", "did you mean `heartbeat`?"),
    ("Customer.spec.timezone.x", "there is no field 'x' in Customer.spec.timezone", ""),
    ("Policy..", "there is no field '' in Policy", ""),
])
def test_a_path_that_leads_nowhere_names_the_nearest_word(path: str, message: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        describe(path)

    assert caught.value.message == message
    assert hint in caught.value.hint


@pytest.mark.parametrize("kind", [*KINDS, *CHECKS])
def test_every_field_of_a_kind_is_described(kind: str) -> None:
    silent = [row.path for row in describe(kind).fields if not row.description and row.path not in ("kind", "type")]

    assert silent == []


def test_every_kind_and_every_resource_can_be_described() -> None:
    assert all(describe(kind).fields for kind in kinds())


def test_the_page_of_roles_names_every_verb() -> None:
    page = (PAGES / "role.md").read_text()

    assert [verb for verb in VERBS if f"`{verb}`" not in page] == []


@pytest.mark.parametrize("kind", ["Rollout", "AgentRelease"])
def test_the_page_of_a_kind_that_nothing_carries_out_yet_says_so(kind: str) -> None:
    page = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).removeprefix("_")

    assert "Recorded and validated; carried out by" in (PAGES / f"{page}.md").read_text()
