"""apt_package on a real dpkg and apt, with a repository on disk: installed, pinned, held, mended, absent."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import Lab
from tests.e2e.machine.packages import publish, withdraw
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e

CONFFILE = {"DEBIAN/conffiles": "/etc/guru-lab-tool.conf\n", "etc/guru-lab-tool.conf": "shipped\n"}


def tool(name: str = "guru-lab-tool", **fields: object) -> str:
    more = "".join(f", {key}: {value}" for key, value in fields.items())
    return f"  resources:\n    tool: {{kind: apt_package, name: {name}{more}}}\n"


def standing(lab: Lab, name: str = "guru-lab-tool") -> tuple[str, str]:
    """What dpkg wants and has: `install installed 1.0`; and the packages on hold."""
    done = lab.clone.run(
        "dpkg-query", "-W", "-f=${db:Status-Want} ${db:Status-Status} ${Version}", name, check=False
    )
    return done.out, lab.clone.run("apt-mark", "showhold").out.strip()


def test_a_package_goes_its_whole_way(lab: Lab) -> None:
    for version in ("1.0", "1.1"):
        publish(lab.apt, "guru-lab-tool", version, CONFFILE)

    lab.changes(tool(version="'1.0'"))
    assert standing(lab) == ("install installed 1.0", "")

    lab.clone.path("etc/guru-lab-tool.conf").write_text("edited here\n")
    publish(lab.apt, "guru-lab-tool", "1.2", {**CONFFILE, "etc/guru-lab-tool.conf": "shipped anew\n"})
    lab.clone.run("apt-get", "update", "-q")
    lab.changes(tool(ensure="latest", hold="true"))
    assert standing(lab) == ("hold installed 1.2", "guru-lab-tool")
    assert lab.clone.path("etc/guru-lab-tool.conf").read_text() == "edited here\n"

    lab.changes(tool(version="'1.1'", hold="true"))
    assert standing(lab) == ("hold installed 1.1", "guru-lab-tool")
    assert lab.converge(tool(hold="true"))["tool"]["outcome"] == "same"

    lab.changes(tool(ensure="absent"))
    assert standing(lab) == ("deinstall config-files 1.1", "")
    assert lab.converge(tool(ensure="absent") + "  agent: {facts: 11s}\n")["tool"]["outcome"] == "same"


def test_a_package_that_the_mirror_replaced_since_the_last_update_is_installed(lab: Lab) -> None:
    publish(lab.apt, "guru-lab-moved", "1.0")
    lab.clone.run("apt-get", "update", "-q")
    withdraw(lab.apt, "guru-lab-moved", "1.0")
    publish(lab.apt, "guru-lab-moved", "1.1")

    done = lab.converge(tool("guru-lab-moved"))

    assert done["tool"]["message"] == ""
    assert standing(lab, "guru-lab-moved")[0] == "install installed 1.1"


def test_a_dpkg_that_was_killed_half_way_is_mended(lab: Lab) -> None:
    slow = {"DEBIAN/postinst": "#!/bin/sh\n[ -e /run/go ] || { touch /run/begun; sleep 300; }\n"}
    publish(lab.apt, "guru-lab-slow", "1.0", slow)
    lab.clone.run("apt-get", "update", "-q")
    lab.clone.run("systemd-run", "--unit=guru-lab-apt", "apt-get", "install", "-y", "guru-lab-slow")
    wait_until("dpkg is in the middle", lab.clone.path("run/begun").exists)
    lab.clone.run("systemctl", "kill", "--signal=KILL", "guru-lab-apt")
    lab.clone.path("run/go").touch()
    publish(lab.apt, "guru-lab-other", "1.0")

    assert "interrupted" in lab.clone.run("apt-get", "install", "-y", "guru-lab-slow", check=False).err
    done = lab.converge(tool("guru-lab-other"))

    assert done["tool"]["message"] == ""
    assert standing(lab, "guru-lab-slow")[0] == "install installed 1.0"
    assert standing(lab, "guru-lab-other")[0] == "install installed 1.0"
