"""systemd_unit and the service check on a real systemd, and the agent as the service that it is shipped as."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import Lab
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e

UNIT = (
    "[Unit]\\nDescription=lab {version}\\n[Service]\\nExecStart=/bin/sleep infinity\\n"
    "[Install]\\nWantedBy=multi-user.target\\n"
)
SERVICE = """  resources:
    unit: {{kind: file, path: /etc/systemd/system/guru-lab-svc.service, content: "{unit}", mode: "0644"}}
    conf: {{kind: file, path: /etc/guru-lab-svc.conf, content: "{conf}\\n"}}
    svc: {{kind: systemd_unit, name: guru-lab-svc.service, running: {running}, enabled: {enabled},
          restartOn: [conf], after: [unit]}}
  checks:
    svc: {{kind: service, name: guru-lab-svc, every: 2s}}
"""


def service(version: int = 1, conf: str = "a", running: str = "true", enabled: str = "true") -> str:
    return SERVICE.format(unit=UNIT.format(version=version), conf=conf, running=running, enabled=enabled)


def state(lab: Lab) -> tuple[str, str, str]:
    names = ("ActiveState", "UnitFileState", "NeedDaemonReload")
    first, second, third = (lab.clone.property("guru-lab-svc.service", name) for name in names)
    return first, second, third


def verdict_is(lab: Lab, wanted: str) -> bool:
    verdict = lab.verdict("svc")
    return verdict is not None and verdict["state"] == wanted


def test_a_unit_is_started_enabled_reloaded_restarted_and_stopped(lab: Lab) -> None:
    lab.changes(service())
    assert state(lab) == ("active", "enabled", "no")
    wait_until("the check says ok", lambda: verdict_is(lab, "ok"))
    process = lab.clone.property("guru-lab-svc", "MainPID")

    lab.converge(service(version=2))
    assert state(lab) == ("active", "enabled", "no")
    assert lab.clone.property("guru-lab-svc", "Description") == "lab 2"
    assert lab.clone.property("guru-lab-svc", "MainPID") == process

    restarted = lab.converge(service(version=2, conf="b"))
    assert restarted["svc"]["steps"][-1] == "run systemctl restart -- guru-lab-svc.service"
    again = lab.clone.property("guru-lab-svc", "MainPID")
    assert again not in (process, "0")

    lab.clone.run("systemctl", "kill", "--signal=KILL", "guru-lab-svc")
    wait_until("the killed service is back", lambda: state(lab)[0] == "active")
    assert lab.clone.property("guru-lab-svc", "MainPID") not in (again, "0")

    lab.converge(service(version=2, conf="b", running="false", enabled="false"))
    assert state(lab) == ("inactive", "disabled", "no")
    wait_until("the check says critical", lambda: verdict_is(lab, "critical"))


def test_a_unit_that_is_not_there_fails_with_what_systemd_says(lab: Lab) -> None:
    done = lab.converge("  resources:\n    none: {kind: systemd_unit, name: guru-lab-none}\n")

    assert done["none"]["outcome"] == "failed"
    assert "not found" in done["none"]["message"]


def test_the_shipped_unit_is_one_that_systemd_takes(lab: Lab) -> None:
    verified = lab.clone.run("systemd-analyze", "verify", "/etc/systemd/system/guru-agent.service")

    assert (verified.out, verified.err) == ("", "")
    assert lab.clone.property("guru-agent", "ActiveState") == "active"
    assert lab.clone.property("guru-agent", "NotifyAccess") == "main"


def test_the_unit_takes_away_what_managing_a_machine_never_needs(lab: Lab) -> None:
    done = lab.clone.run(
        "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=95",
        "/etc/systemd/system/guru-agent.service",
    )

    for setting in ("LockPersonality=", "ProtectKernelLogs=", "RestrictRealtime="):
        assert any(line.startswith("✓") and setting in line for line in done.out.splitlines()), done.out


def test_systemd_brings_a_killed_agent_back_and_stops_one_in_time(lab: Lab) -> None:
    before = lab.clone.property("guru-agent", "MainPID")
    lab.clone.run("kill", "-9", before)
    wait_until("systemd started it again", lambda: lab.clone.property("guru-agent", "MainPID") not in (before, "0"))
    wait_until("it is ready", lambda: lab.clone.property("guru-agent", "SubState") == "running")

    lab.clone.run("systemctl", "restart", "guru-agent", timeout=15)

    assert lab.clone.property("guru-agent", "Result") == "success"
    lab.converge("  agent: {facts: 12s}\n")
