"""Templates with a sandbox on a machine with a real systemd: what they can reach, and that the job says by what."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import NAME, Lab
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e

SCRIPT = """
test -r /etc/shadow && echo reads
for place in /etc /usr /var /root /run; do touch $place/guru-was-here && echo wrote $place; done
touch /tmp/guru-was-here && echo own
cat /var/lib/guru-agent/device.key >/dev/null && echo key
systemctl set-environment GURU_WAS=here && echo acted
mount -o remount,rw / && echo mounted
echo $(tail -n +3 /proc/net/dev | cut -d: -f1)
echo "$PARAM_WORD"
"""
TEMPLATE = """apiVersion: guru/v1
kind: CommandTemplate
metadata: {{name: look-{sandbox}}}
spec:
  shell: sh
  sandbox: {sandbox}
  params: {{word: {{type: string}}}}
  script: |
{script}
"""

ENDLESS = """apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: endless}
spec: {shell: sh, sandbox: confined, timeout: 2s, script: "env -i /bin/sleep 4321 & sleep 4321"}
"""


@pytest.fixture(scope="module")
def ready(lab: Lab) -> Lab:
    body = "\n".join(f"    {line}" for line in SCRIPT.strip().splitlines())
    lab.world.remote.push("Looks", {
        f"org/look-{sandbox}.yaml": TEMPLATE.format(sandbox=sandbox, script=body)
        for sandbox in ("confined", "isolated")} | {"org/endless.yaml": ENDLESS})
    lab.world.guru("sync", "--timeout", "60s")
    return lab


@pytest.mark.parametrize("sandbox", ["confined", "isolated"])
def test_a_script_in_a_sandbox_reads_what_root_reads_and_changes_nothing(sandbox: str, ready: Lab) -> None:
    done = ready.world.guru("script", "run", f"look-{sandbox}", NAME, "-p", "word=word", check=False)
    newest = ready.world.get("/jobs?limit=1")["items"][0]
    shown = ready.world.guru("job", "show", newest["id"]).out
    lines = done.out.splitlines()
    networks = ready.clone.run("cat", "/proc/net/dev").out.splitlines()[2:]

    assert lines[:2] == ["reads", "own"], done
    assert lines[3:] == ["word"]
    assert lines[2].split() == (["lo"] if sandbox == "isolated" else [one.split(":")[0].strip() for one in networks])
    assert f"{sandbox} by systemd" in shown
    assert ready.clone.run("find", "/etc", "/usr", "/var", "/root", "/run", "/tmp", "-maxdepth", "1",
                           "-name", "guru-was-here").out == ""
    assert "GURU_WAS" not in ready.clone.run("systemctl", "show-environment").out


def test_a_script_in_a_sandbox_that_takes_too_long_is_ended_with_all_that_it_started(ready: Lab) -> None:
    done = ready.world.guru("script", "run", "endless", NAME, check=False)

    assert "timed out" in done.err
    wait_until("nothing of it is left", lambda: "4321" not in ready.clone.run("ps", "-eo", "args").out, 30)
