"""user on the real account programs: made, changed, shut, removed."""

from __future__ import annotations

import pytest

from tests.e2e.machine.conftest import Lab
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e


def anna(**fields: object) -> str:
    more = "".join(f", {key}: {value}" for key, value in fields.items())
    return f"  resources:\n    anna: {{kind: user, name: guru-anna{more}}}\n"


def groups(lab: Lab) -> set[str]:
    return set(lab.clone.run("id", "-nG", "guru-anna").out.split()) - {"guru-anna"}


def may_log_in(lab: Lab) -> bool:
    """Whether PAM's account check lets the account in (pam_unix(8) refuses an expired one)."""
    let_in = lab.clone.run("su", "-s", "/bin/true", "guru-anna", check=False).exit_code == 0
    lab.clone.run("loginctl", "terminate-user", "guru-anna", check=False)
    wait_until(
        "the session is over", lambda: lab.clone.run("pgrep", "-u", "guru-anna", check=False).exit_code == 1
    )
    return let_in


def entry(lab: Lab) -> list[str]:
    return lab.clone.run("getent", "passwd", "guru-anna").out.strip().split(":")


def test_an_account_goes_its_whole_way(lab: Lab) -> None:
    lab.changes(anna(groups="[audio, video]", shell="/bin/sh", comment="Anna A.", uid=4711))
    assert entry(lab)[2:] == ["4711", "4711", "Anna A.", "/home/guru-anna", "/bin/sh"]
    assert groups(lab) == {"audio", "video"}
    lab.clone.path("home/guru-anna/mine.txt").write_text("kept\n")
    assert may_log_in(lab)

    lab.changes(anna(groups="[games]", groupsExact="true", shell="/bin/bash", locked="true", home="/srv/anna"))
    assert groups(lab) == {"games"}
    assert entry(lab)[5:] == ["/srv/anna", "/bin/bash"]
    assert not may_log_in(lab)

    lab.clone.run("usermod", "--append", "--groups", "audio", "guru-anna")
    lab.changes(anna(groups="[audio]", locked="false", comment="''"))
    assert groups(lab) == {"audio", "games"}
    assert may_log_in(lab)

    lab.changes(anna(ensure="absent"))
    assert lab.clone.run("getent", "passwd", "guru-anna", check=False).exit_code == 2
    assert lab.clone.path("home/guru-anna/mine.txt").read_text() == "kept\n"


def test_a_new_account_whose_group_is_there_already_is_made(lab: Lab) -> None:
    lab.clone.run("groupadd", "guru-ops")

    lab.changes("  resources:\n    ops: {kind: user, name: guru-ops, groups: [guru-ops], system: true}\n")

    assert "guru-ops" in lab.clone.run("id", "-nG", "guru-ops").out.split()
