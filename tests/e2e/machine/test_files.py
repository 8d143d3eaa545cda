"""file, directory, command and cron_job on a whole machine, with its real owners and its real cron."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.e2e.machine.conftest import Lab
from tools.lab.world import wait_until

pytestmark = pytest.mark.e2e

FILES = """  resources:
    place: {kind: directory, path: /srv/guru-lab/a/b, owner: games, group: audio, mode: "2750"}
    note: {kind: file, path: /srv/guru-lab/a/b/note, content: "hello\\n", owner: games, group: audio, mode: "0640",
           after: [place]}
    once: {kind: command, shell: "date >>/srv/guru-lab/ran && id -un >>/srv/guru-lab/ran", after: [place],
           unless: "test -e /srv/guru-lab/ran"}
"""
CRON = """  resources:
    beat: {kind: cron_job, name: lab, schedule: "@reboot", user: games, env: {WORD: it's},
           command: "printf '%s %s\\\\n' \\"$WORD\\" \\"$(id -un)\\" >/tmp/guru-cron-said"}
"""


def facts(path: Path) -> tuple[str, str, int]:
    """Owner, group and permission bits."""
    found = path.stat()
    return path.owner(), path.group(), stat.S_IMODE(found.st_mode)


def test_owner_mode_and_content_are_kept_and_the_old_file_is_there_to_see(lab: Lab) -> None:
    lab.clone.run("mkdir", "-p", "/srv/guru-lab/a/b")
    note, place = lab.clone.path("srv/guru-lab/a/b/note"), lab.clone.path("srv/guru-lab/a/b")
    note.write_text("what stood there before\n")

    lab.changes(FILES)

    assert note.read_text() == "hello\n"
    assert facts(note) == ("games", "audio", 0o640)
    assert facts(place) == ("games", "audio", 0o2750)
    kept = [path for path in lab.clone.path("var/lib/guru-agent/backups").rglob("*") if path.is_file()]
    texts = [path.read_text() for path in kept]         # other tests of this machine leave some, too
    assert [text for text in texts if text.startswith("what stood")] == ["what stood there before\n"]

    note.chmod(0o666)
    place.chmod(0o777)
    wait_until("the modes are back", lambda: (facts(note)[2], facts(place)[2]) == (0o640, 0o2750))
    assert len(lab.clone.path("srv/guru-lab/ran").read_text().splitlines()) == 2
    assert lab.clone.path("srv/guru-lab/ran").read_text().endswith("root\n")


def test_cron_itself_runs_the_job(lab: Lab) -> None:
    lab.clone.path("tmp/guru-cron-said").unlink(missing_ok=True)
    lab.clone.path("run/crond.reboot").unlink(missing_ok=True)

    lab.changes(CRON)
    lab.clone.run("systemctl", "restart", "cron")

    said = lab.clone.path("tmp/guru-cron-said")
    wait_until("cron ran it", lambda: said.exists() and said.read_text() != "")
    assert said.read_text() == "it's games\n"
    lab.converge("  resources:\n    beat: {kind: cron_job, name: lab, ensure: absent}\n")
    assert not lab.clone.path("etc/cron.d/guru-lab").exists()


def test_what_is_made_does_not_depend_on_the_shell_that_started_the_agent(lab: Lab) -> None:
    lab.changes("  resources:\n    deep: {kind: file, path: /srv/guru-deep/a/note, content: x}\n")
    lab.clone.run("systemctl", "stop", "guru-agent")
    lab.clone.run("rm", "-r", "/srv/guru-deep")

    lab.clone.run("sh", "-c", "umask 077 && guru-agent converge --once")

    assert facts(lab.clone.path("srv/guru-deep")) == ("root", "root", 0o755)
    assert facts(lab.clone.path("srv/guru-deep/a/note")) == ("root", "root", 0o644)
    lab.clone.run("systemctl", "start", "guru-agent")
