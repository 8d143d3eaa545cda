"""A kind is there on the platforms it declares; whoever selects another device learns it at the leaf."""

from __future__ import annotations

import pytest

from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device
from guru_policy.resources import RESOURCES
from tests.policy.writing import device, fleet, policy

FOUND = fleet({"org/base.yaml": policy("base", "resources:\n  a: {kind: file, path: /x, content: ''}\n"
                                               "  b: {kind: cron_job, name: x, ensure: absent}")})


def faults(found: Fleet, one: Device) -> list[str]:
    """The device's faults; none when it has a bundle."""
    assigned = compile_customer(Sources(found, found), "acme", [one], {}).assigned[one.id]
    return [] if isinstance(assigned, Effective) else [str(fault) for fault in assigned]


def test_a_device_that_a_kind_cannot_serve_is_a_fault_at_that_leaf() -> None:
    found = faults(FOUND, device(os="windows"))

    assert found == [
        "org/base.yaml:6:15: resources.a.kind: file is not there on windows (select devices with fact/os=linux)",
        "org/base.yaml:7:15: resources.b.kind: cron_job is not there on windows (select devices with fact/os=linux)",
    ]


@pytest.mark.parametrize("facts", [{"os": "linux"}, {}, {"os": "plan9"}, {"os": 7}])
def test_a_platform_that_fits_or_is_not_known_is_no_fault(facts: dict[str, str]) -> None:
    assert faults(FOUND, device(**facts)) == []


def test_devices_under_the_same_layers_are_judged_one_by_one() -> None:
    linux, windows = device("a", 1, os="linux"), device("b", 2, os="windows")

    result = compile_customer(Sources(FOUND, FOUND), "acme", [windows, linux], {})

    assert isinstance(result.assigned[linux.id], Effective)
    assert not isinstance(result.assigned[windows.id], Effective)
    assert len(result.bundles) == 1


def test_every_kind_declares_its_platforms() -> None:
    assert all(kind.platforms for kind in RESOURCES.values())
