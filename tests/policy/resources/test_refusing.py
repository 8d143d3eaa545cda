"""Specs of resources that make no sense, or reach where they must not, are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from guru_policy.resources import RESOURCES
from guru_policy.resources.file import File
from guru_policy.resources.systemd_unit import SystemdUnit


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("file", {"path": "/etc/../root/x", "content": ""}), ("file", {"path": "etc/x", "content": ""}),
        ("file", {"path": "/etc//x", "content": ""}), ("file", {"path": "/a\nb", "content": ""}),
        ("file", {"path": "/", "content": ""}), ("file", {"path": "/x"}),
        ("file", {"path": "/x", "content": "", "source": "a"}), ("file", {"path": "/x", "source": "../a"}),
        ("file", {"path": "/x", "content": "", "mode": 644}), ("file", {"path": "/x", "content": "\ud800"}),
        ("systemd_unit", {"name": "--now"}), ("systemd_unit", {"name": "a b"}),
        ("apt_package", {"name": "-y"}),
        ("apt_package", {"name": "curl", "version": "1", "ensure": "latest"}),
        ("cron_job", {"name": "a.b", "schedule": "@daily", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "60 * * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "* * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "5-1 * * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "@daily", "command": "x\n* * * * * root y"}),
        ("command", {"unless": "true"}), ("command", {"shell": "x"}),
        ("user", {"name": "Anna:0"}), ("user", {"name": "anna", "comment": "a:b"}),
        ("user", {"name": "anna", "uid": 0}),
    ],
)
def test_a_resource_that_makes_no_sense_is_refused(kind: str, spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RESOURCES[kind].model_validate({"kind": kind, **spec})


def test_a_source_is_replaced_by_its_digest_in_a_bundle() -> None:
    file = File(path="/etc/motd", source="files/motd")

    placed = file.placed({"files/motd": "a" * 64})

    assert file.sources() == ("files/motd",)
    assert (placed.source, placed.digest) == (None, "a" * 64)


def test_a_changed_configuration_restarts_the_unit_that_should_run() -> None:
    unit = SystemdUnit.model_validate({"name": "ssh", "restartOn": ["sshd-config"]})
    stopped = SystemdUnit(name="ssh", running=False)

    assert unit.triggers() == ("sshd-config",)
    assert [str(step) for step in unit.plan_triggered()][-1] == "run systemctl restart -- ssh"
    assert list(stopped.plan_triggered()) == []
