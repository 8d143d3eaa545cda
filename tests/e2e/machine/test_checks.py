"""Every check kind looks at a real machine and says what is so, and then what is wrong."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import Lab
from tools.lab.ports import free_port
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e

CHECKS = """  checks:
    busy: {{kind: cpu, every: 2s, samples: 1, warning: null, critical: {busy}}}
    ram: {{kind: memory, every: 2s, warning: {percent}, critical: {percent}}}
    disk: {{kind: disk_space, path: /, every: 2s, warning: {percent}, critical: {percent}}}
    journal: {{kind: service, name: "{journal}", every: 2s}}
    init: {{kind: process, name: "{journal}", every: 2s}}
    page: {{kind: http, url: "http://127.0.0.1:{port}/{page}", every: 2s, contains: hello}}
    door: {{kind: port, port: {port}, every: 2s}}
    plugin: {{kind: script, every: 2s, shell: "echo 'all {code} | load=0.5s'; exit {code}"}}
"""
NAMES = ("busy", "ram", "disk", "journal", "init", "page", "door", "plugin")


def states(lab: Lab) -> dict[str, str]:
    """Of ours: what other tests of this machine checked stays in sight for a while."""
    return {one["check"]: one["verdict"]["state"] for one in lab.device()["check_results"] if one["check"] in NAMES}


def served(lab: Lab) -> int:
    """The port of a web server in the machine, one that it got itself: a port that was free may be taken since."""
    lab.clone.run("mkdir", "-p", "/srv/guru-lab-web")
    lab.clone.path("srv/guru-lab-web/page").write_text("hello\n")
    lab.clone.run(
        "systemd-run", "--unit=guru-lab-web", "--setenv=PYTHONUNBUFFERED=1",
        "--property=StandardOutput=file:/srv/guru-lab-web.said",
        "python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/srv/guru-lab-web", "0",
    )
    said = lab.clone.path("srv/guru-lab-web.said")
    wait_until("the web server says its port", lambda: said.exists() and " port " in said.read_text(), 60)
    return int(said.read_text().partition(" port ")[2].split()[0])


def test_all_eight_kinds_tell_good_from_bad(lab: Lab) -> None:
    port = served(lab)
    good = CHECKS.format(
        percent="100%", busy="null", journal="systemd-journald", page="page", code=0, port=port
    )
    bad = CHECKS.format(
        percent="0%", busy="0%", journal="guru-lab-nobody", page="gone", code=2, port=free_port()
    )

    lab.push(good)
    wait_until("all are ok", lambda: states(lab) == dict.fromkeys(NAMES, "ok"), 60,
               seen=lambda: lab.device()["check_results"])
    assert lab.verdict("plugin")["message"] == "all 0"
    assert (lab.verdict("plugin")["value"], lab.verdict("plugin")["unit"]) == (0.5, "s")
    lab.push(bad)

    wait_until("all are critical", lambda: states(lab) == dict.fromkeys(NAMES, "critical"), 60,
               seen=lambda: lab.device()["check_results"])
