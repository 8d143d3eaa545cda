"""The plan of a pull request: complete as far as a forge's comment goes, and one line when nothing changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guru_wire.operator import DeviceChange, FaultLine, FieldChange, Plan
from guru_wire.planning import Impact
from gurucli.plan_markdown import MOST, plan_markdown
from tests.cli import canned


def shape(plan: Plan) -> Any:
    return json.loads(plan.model_dump_json(by_alias=True))


def test_a_plan_without_changes_is_one_line() -> None:
    text = plan_markdown(shape(Plan(base_revision=canned.OLDER, target_revision=None)))

    assert "\n" not in text
    assert "No changes" in text


def test_whom_it_concerns_comes_by_customer_site_and_group_with_those_offline() -> None:
    impact = (Impact(by="customer", name="acme", devices=3, offline=1), Impact(by="site", name="acme/hq", devices=3,
              offline=1), Impact(by="group", name="servers", devices=1, offline=0))

    text = plan_markdown(shape(canned.plan(impact=impact)))

    assert "| customer | `acme` | 3 | 1 |" in text
    assert "| group | `servers` | 1 | 0 |" in text


def test_a_field_says_from_to_and_why() -> None:
    text = plan_markdown(shape(canned.plan()))

    assert "`spec.checks.disk.warn` `90%` → `95%` (org/a.yaml:3)" in text


def test_guards_come_first_with_the_trailer_that_consents() -> None:
    text = plan_markdown(shape(canned.plan(guards=("too much; end with `Guru-Allow-Delete: 12`",))))

    assert text.index("Guru-Allow-Delete: 12") < text.index("#### Objects")


@pytest.mark.parametrize("devices", [0, 1000])
def test_it_never_grows_beyond_what_a_forge_takes(devices: int) -> None:
    field = FieldChange(path="x" * 400, before="<b>" * 4000, after="`" * 4000, why="org/a.yaml:1" * 9)
    rows = tuple(DeviceChange(device="0" * 32, name=f"d{n}" * 20, customer="acme", site="hq", online=True,
                              fields=(field,) * 20) for n in range(devices))
    faults = tuple(FaultLine(path=f"org/{n}.yaml", line=1, column=1, message="m" * 900) for n in range(150))
    impact = tuple(Impact(by="site", name=f"acme/s{n}", devices=n, offline=0) for n in range(3000))

    text = plan_markdown(shape(canned.plan(devices=rows, affected=devices or 5000, faults=faults, impact=impact,
                                           guards=("g" * 500,) * 40)))

    assert len(text) <= MOST
    assert "left out here" in text


def test_nothing_of_a_repository_becomes_markup() -> None:
    text = plan_markdown(shape(canned.plan("<script>|`@team")))

    assert "<script>" not in text.replace("`", "").replace("\\<", "") or "`" in text
    for line in text.split("\n"):
        outside = "".join(line.split("`")[::2])
        assert "<script" not in outside.replace("\\<", "")
