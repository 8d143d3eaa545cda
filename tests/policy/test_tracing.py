"""Every part of a merged policy can say who decided about it."""

from __future__ import annotations

import pytest

from guru_policy.compiling import Compiler
from guru_policy.fleet import Sources
from guru_policy.tracing import decided
from tests.policy.writing import device, fleet, policy

FILES = {
    "org/base.yaml": policy("base", """
mode: observe
checks:
  disk: {kind: disk_space, path: /, warning: 80%}
  cpu: {kind: cpu}
resources:
  motd: {kind: file, path: /etc/motd, content: hi}
"""),
    "customers/acme/own.yaml": policy("own", """
checks:
  disk: {warning: 70%}
  cpu: {$remove: true}
"""),
}


@pytest.mark.parametrize(("path", "said"), [
    ("checks.disk.warning", "customers/acme/own.yaml:6:21 (customer acme)"),
    ("checks.disk.path", "org/base.yaml:7:36 (org)"),
    ("checks.disk.every", "default; org/base.yaml:7:5 (org)"),
    ("checks.cpu", "customers/acme/own.yaml:7:5 (customer acme)"),
    ("checks.cpu.warning", "customers/acme/own.yaml:7:5 (customer acme)"),
    ("resources.motd.observe", "org/base.yaml:5:9 (org)"),
    ("agent.heartbeat", "built-in"),
    ("checks.nothing", "default; org/base.yaml:6:3 (org)"),
])
def test_a_value_names_the_layer_and_the_place_that_decided(path: str, said: str) -> None:
    found = fleet(FILES)
    table = Compiler(Sources(found, found), "acme", {}).resolve(device()).table

    assert str(decided(table, path.split("."))) == said
