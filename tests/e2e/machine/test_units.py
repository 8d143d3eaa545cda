"""The units as they are shipped, under a real systemd: who runs as whom, with what rights, and what is left exposed."""

from __future__ import annotations

import json
import re
import ssl
import urllib.request

import pytest

from tests.e2e.machine.conftest import Lab
from tools.lab.clone import ROOT
from tools.lab.ports import free_port
from tools.lab.world import Failed, wait_until

pytestmark = pytest.mark.e2e

AGENT, SERVER = ROOT / "agent/guru_agent/units", ROOT / "server/systemd"
# Of 10, by `systemd-analyze security`. Whoever adds a right to a unit sees it here.
MOST_EXPOSED = {
    AGENT / "guru-agent-network.service": 1.2, SERVER / "guru-server.service": 1.4,
    SERVER / "guru-gateway.service": 1.4, SERVER / "guru-signer.service": 0.6,
}
SETTINGS = """data: /var/lib/guru-server
listen: 127.0.0.1:{port}
url: https://127.0.0.1:{port}
git: {{url: "file:///srv/fleet", poll: 1}}
signer: {{socket: /run/guru-signer/signer.sock}}
"""
SIGNER = "data: /var/lib/guru-signer\nsigner: {socket: /run/guru-signer/signer.sock, user: guru-server}\n"


def status(lab: Lab, unit: str) -> dict[str, str]:
    """What the kernel tells of a unit's first process."""
    text = lab.clone.run("cat", f"/proc/{lab.clone.property(unit, 'MainPID')}/status").out
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def bare(found: dict[str, str]) -> bool:
    """Whether a process is nobody's but its own user's: no capability, no way to get one, and a filter."""
    none = all(found[name] == "0" * 16 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"))
    return none and found["Uid"].split()[0] != "0" and (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


def inet(lab: Lab, unit: str) -> list[str]:
    """The Internet sockets of a unit's first process, by their local addresses."""
    process = lab.clone.property(unit, "MainPID")
    held = lab.clone.run("sh", "-c", f"ls -l /proc/{process}/fd").out
    tables = lab.clone.run("sh", "-c", f"cd /proc/{process}/net && cat tcp tcp6 udp udp6").out
    rows = [line.split() for line in tables.splitlines()]
    return [row[1] for row in rows if len(row) > 9 and row[9].isdigit() and f"socket:[{row[9]}]" in held]


@pytest.mark.parametrize("unit", MOST_EXPOSED, ids=lambda unit: unit.stem)
def test_a_unit_leaves_no_more_exposed_than_it_must(lab: Lab, unit: object) -> None:
    name = f"/etc/{unit.name}"  # type: ignore[attr-defined]  # it is a path
    lab.clone.path(name).write_text(unit.read_text())  # type: ignore[attr-defined]
    told = lab.clone.run("systemd-analyze", "security", "--offline=true", "--no-pager", name, check=False).out
    found = re.search(r"exposure level for \S+: ([0-9.]+)", told)

    assert found is not None, told
    assert float(found[1]) <= MOST_EXPOSED[unit], told  # type: ignore[index]


def test_the_network_half_has_no_rights_and_the_other_half_no_connection(lab: Lab) -> None:
    decides, carries = status(lab, "guru-agent"), status(lab, "guru-agent-network")

    assert decides["Uid"].split()[0] == "0"
    assert bare(carries), carries
    assert inet(lab, "guru-agent") == []
    assert len(inet(lab, "guru-agent-network")) == 1
    look = lab.clone.run("ps", "-o", "user=", "-p", lab.clone.property("guru-agent-network", "MainPID"), check=False)
    assert look.out.split() in (["guru-ag+"], ["guru-agent"], [])
    assert lab.clone.run("stat", "-c", "%U:%G %a", "/run/guru-agent/network.sock").out == "root:guru-agent 660\n"
    namespace = ("nsenter", "-t", lab.clone.property("guru-agent-network", "MainPID"), "-m")
    shut = lab.clone.run(*namespace, "ls", "/var/lib/guru-agent/device.key", check=False)
    assert shut.exit_code != 0


def test_a_killed_network_half_is_back_and_the_device_linked(lab: Lab) -> None:
    before = lab.clone.property("guru-agent-network", "MainPID")
    lab.clone.run("kill", "-9", before)
    wait_until(
        "systemd started it again", lambda: lab.clone.property("guru-agent-network", "MainPID") not in (before, "0"))

    lab.converge("  agent: {facts: 13s}\n")

    assert inet(lab, "guru-agent") == []


def test_stopping_the_agent_stops_both_halves_and_starting_it_starts_both(lab: Lab) -> None:
    lab.clone.run("systemctl", "stop", "guru-agent", timeout=30)
    wait_until("both are down", lambda: lab.clone.property("guru-agent-network", "ActiveState") == "inactive")
    lab.clone.run("systemctl", "start", "guru-agent", timeout=30)

    lab.converge("  agent: {facts: 14s}\n")

    assert lab.clone.property("guru-agent-network", "ActiveState") == "active"


def test_the_server_and_its_signer_run_as_two_users_who_may_do_nothing_else(lab: Lab) -> None:
    port, clone = free_port(), lab.clone
    clone.path("etc/guru").mkdir(exist_ok=True)
    clone.path("etc/guru/server.yaml").write_text(SETTINGS.format(port=port))
    clone.path("etc/guru/signer.yaml").write_text(SIGNER)
    for unit in ("guru-server", "guru-signer"):
        clone.path(f"etc/systemd/system/{unit}.service").write_text((SERVER / f"{unit}.service").read_text())
    users = clone.path("etc/sysusers.d")
    users.mkdir(exist_ok=True)
    (users / "guru-server.conf").write_text((SERVER / "guru-server.sysusers").read_text())
    clone.run("systemd-sysusers", "guru-server.conf")
    clone.run("systemctl", "daemon-reload")
    clone.run("sh", "-ec", PREPARED)
    admin = clone.run("/usr/bin/guru-server", "init", "--config", "/etc/guru/first.yaml").out.split()[0]
    clone.run("sh", "-ec", APART)

    clone.run("systemctl", "start", "guru-signer", "guru-server", timeout=90)

    def ask(path: str) -> dict[str, object]:
        context = ssl._create_unverified_context()
        request = urllib.request.Request(
            f"https://127.0.0.1:{port}/api/v1{path}", headers={"Authorization": f"Bearer {admin}"})
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    wait_until("the repository is fetched", lambda: ask("/status")["attempted_revision"] is not None, 60,
               seen=lambda: ask("/status"))
    with pytest.raises(Failed):
        clone.run("runuser", "-u", "guru-server", "--", "cat", "/var/lib/guru-signer/keys/state.key")
    for unit in ("guru-server", "guru-signer"):
        assert bare(status(lab, unit)), status(lab, unit)
    assert status(lab, "guru-server")["Uid"] != status(lab, "guru-signer")["Uid"]
    assert inet(lab, "guru-signer") == []
    clone.run("systemctl", "stop", "guru-server", "guru-signer", timeout=60)
    assert clone.property("guru-server", "Result") == "success"


PREPARED = """
sed '/^signer:/d' /etc/guru/server.yaml >/etc/guru/first.yaml
mkdir -p /srv/fleet && cd /srv/fleet
git init -q -b main . && printf 'apiVersion: guru/v1\\nkind: Fleet\\nmetadata: {name: fleet}\\nspec: {}\\n' >fleet.yaml
git add . && git -c user.name=a -c user.email=a@b.c commit -qm 'Begin' && chown -R guru-server: .
"""
APART = """
mkdir -p -m 700 /var/lib/guru-signer/keys && cd /var/lib/guru-server/keys
for name in state.key command.key audit.key trust.json; do
    test ! -e "$name" || mv "$name" /var/lib/guru-signer/keys/
done
chown -R guru-server: /var/lib/guru-server && chown -R guru-signer: /var/lib/guru-signer
"""
