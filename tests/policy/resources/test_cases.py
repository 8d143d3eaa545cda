"""Every case file beside this one: a spec, what a machine has, and the steps that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from guru_policy.fake_host import FakeHost
from guru_policy.host import FileStat, UserEntry
from guru_policy.resources import RESOURCES

HERE = Path(__file__).parent
CASES = [
    pytest.param(path.parent.name, case, id=f"{path.parent.name}: {case['name']}")
    for path in sorted(HERE.glob("*/*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


def machine(found: dict[str, Any]) -> FakeHost:
    """A machine as a case describes it."""
    host = FakeHost(platform=found.get("platform", "linux"), root=found.get("root"))
    host.files = {path: text.encode() for path, text in found.get("files", {}).items()}
    host.secrets = found.get("secrets", {})
    host.stats = {
        path: FileStat(stat["type"], int(stat["mode"], 8), stat["owner"], stat["group"], 0)
        for path, stat in found.get("stats", {}).items()
    }
    host.users = {
        name: UserEntry(name=name, **{**entry, "groups": tuple(entry["groups"])})
        for name, entry in found.get("users", {}).items()
    }
    for command, answer in found.get("answers", {}).items():
        host.says(command, answer.get("stdout", ""), exit_code=answer.get("exit", 0))
    return host


@pytest.mark.parametrize(("kind", "case"), CASES)
async def test_a_case_plans_the_steps_it_names(kind: str, case: dict[str, Any]) -> None:
    resource = RESOURCES[kind].model_validate({"kind": kind, **case["spec"]})
    carried = RESOURCES[kind].model_validate(resource.model_dump(mode="json", by_alias=True))
    host = machine(case.get("found", {}))

    steps = [str(step) for step in carried.plan(await carried.probe(host))]

    assert steps == case["steps"]
    assert carried == resource


def test_every_kind_has_cases() -> None:
    assert {path.parent.name for path in HERE.glob("*/*.yaml")} == set(RESOURCES)
