"""Every resource kind on a real machine, through a real agent that systemd runs as root."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import Lab
from tests.e2e.machine.packages import publish

pytestmark = pytest.mark.e2e


def test_first(lab: Lab) -> None:
    publish(lab.apt, "guru-lab-tool", "1.0")
    done = lab.converge("  resources:\n    tool: {kind: apt_package, name: guru-lab-tool}\n")
    print(done, lab.log())
    assert 0
