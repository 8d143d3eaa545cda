"""What the tests before it installed and made on a real machine, as the server's inventory tells it. It runs last."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import NAME, Lab
from tests.e2e.machine.packages import publish
from tests.e2e.machine.test_packages import tool
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e


def test_a_package_that_a_policy_installs_is_in_the_inventory_and_in_the_history(lab: Lab) -> None:
    wait_until("the machine told what it has", lambda: bool(lab.world.ask("device", "inventory", NAME)["tables"]), 120)
    publish(lab.apt, "guru-lab-late", "2.5")
    lab.clone.run("apt-get", "update", "-q")
    lab.changes(tool("guru-lab-late"))

    def told() -> list[tuple[str, str]]:
        history = lab.world.ask("device", "history", NAME, "--table", "packages", "--limit", "0")
        return [(one["change"], one["name"]) for one in history["items"]]

    wait_until("the history tells of it", lambda: ("added", "guru-lab-late all apt") in told(), 150, 2, seen=told)
    [holder] = lab.world.ask("software", "show", "guru-lab-late")["items"]
    assert (holder["name"], holder["version"]) == (NAME, "2.5")
    assert holder["since"] is not None
