"""Commands in a sandbox: shut in for real by bubblewrap, and never run where nothing can shut them in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guru_agent.host import open_host
from guru_agent.jobs.child import COOKIE, end_leftovers
from guru_agent.jobs.sandboxing import Around, Tools, shut_in, tools
from guru_agent.jobs.starting import Starter
from guru_agent.jobs.tape import Tape
from guru_policy.errors import Unsupported
from guru_policy.host import Sandbox, Shell
from guru_wire.orders import Command, Inside

JOB = "7" * 32
TRIES = """
echo reads $(head -c 4 /etc/passwd)
for place in /etc /usr /var/lib /home; do touch $place/guru-was-here && echo wrote $place; done
touch /tmp/own && echo own
ls "$PRIVATE" | wc -l
ls /run | grep -c dbus
echo $(tail -n +3 /proc/net/dev | cut -d: -f1)
grep NoNewPrivs /proc/self/status
exit 7
"""


async def ran(
    sandbox: Sandbox, script: str, private: Path, *, shell: Shell = "sh", timeout: float = 60.0,
    there: Tools | None = None, **env: str,
) -> tuple[int | None, str, str, str]:
    """A script in a sandbox: its exit code, what it printed and what it was in."""
    mine = there or tools()._replace(systemd_run="")            # whatever process 1 is here
    starter, tape = Starter(open_host(), private, lambda: mine), Tape(JOB, 1 << 20, None)
    said: dict[str, bytes] = {"out": b"", "err": b""}

    def heard(stream: str, data: bytes) -> bool:
        said[stream] += data
        return True

    tape.heard = heard  # type: ignore[method-assign,assignment]
    command = Command(shell=shell, env={"PRIVATE": str(private), **env}, inside=Inside(sandbox=sandbox, script=script))
    ending = await starter.start(JOB, command, script, tape, timeout, asyncio.Event())
    return ending.exit_code, said["out"].decode(), said["err"].decode(), ending.box


@pytest.fixture
def private(tmp_path: Path) -> Path:
    (tmp_path / "device.key").write_text("key")
    return tmp_path


async def test_a_confined_script_reads_the_system_and_changes_nothing_of_it(private: Path) -> None:
    code, out, err, box = await ran("confined", TRIES, private)
    lines = out.splitlines()

    assert (code, box) == (7, "confined by bubblewrap"), err
    assert lines[:4] == ["reads root", "own", "0", "0"]
    assert len(lines[4].split()) >= len((Path("/proc/net/dev")).read_text().splitlines()[2:])
    assert lines[5].split() == ["NoNewPrivs:", "1"]
    assert not any(Path(place, "guru-was-here").exists() for place in ("/etc", "/usr", "/var/lib", "/home"))
    assert not Path("/tmp/own").exists()


async def test_an_isolated_script_has_no_network_either(private: Path) -> None:
    code, out, err, box = await ran("isolated", TRIES, private)

    assert (code, box) == (7, "isolated by bubblewrap"), err
    assert out.splitlines()[4].split() == ["lo"]


async def test_variables_and_script_reach_it_and_stand_in_no_argument_list(private: Path) -> None:
    script = "import os; print(os.environ['PARAM_KEY'], open(f'/proc/{os.getppid()}/cmdline').read().count('s3cret'))"
    code, out, err, _ = await ran("confined", script, private, shell="python", PARAM_KEY="s3cret")
    box = shut_in("confined", "python", script, {"PARAM_KEY": "s3cret"}, private, around=Around(None, None), timeout=5,
                  cookie=f"{COOKIE}={JOB}", there=Tools("/usr/bin/systemd-run", "", True))

    assert (code, out) == (0, "s3cret 0\n"), err
    assert not any("s3cret" in word or ("print" in word and "environ" in word) for word in box.argv)
    assert (box.by, b"s3cret" in box.stdin) == ("systemd", True)


async def test_where_nothing_can_shut_it_in_it_does_not_run(private: Path) -> None:
    with pytest.raises(Unsupported, match="needs systemd and an agent that is root, or bubblewrap"):
        await ran("confined", f"touch {private}/ran", private, there=Tools("", "", True))
    assert not (private / "ran").exists()


@pytest.mark.parametrize("sandbox", ["confined", "isolated"])
async def test_what_finds_itself_not_shut_in_ends_before_the_script(sandbox: Sandbox, private: Path) -> None:
    loose = private / "bwrap"
    loose.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    loose.chmod(0o755)

    with pytest.raises(Unsupported, match="nothing ran: not shut in: the system is writable at /"):
        await ran(sandbox, f"touch {private}/ran", private, there=Tools("", str(loose), True))
    assert not (private / "ran").exists()


async def test_a_sandbox_that_cannot_be_made_says_why_and_nothing_runs(private: Path) -> None:
    with pytest.raises(Unsupported, match="nothing ran: bwrap: "):
        await ran("confined", f"touch {private}/ran", Path("/proc/no/such/folder"))


def test_systemd_is_taken_where_it_is_process_1_and_the_agent_is_root(tmp_path: Path) -> None:
    def which(name: str, path: str) -> str:
        return f"/bin/{name}"

    assert tools(tmp_path / "none", which)[:2] == ("", "/bin/bwrap")
    assert tools(tmp_path, which)[:2] == ("/bin/systemd-run", "/bin/bwrap")


async def test_a_script_that_takes_too_long_is_ended_with_all_that_it_started(private: Path) -> None:
    code, _, _, box = await ran("confined", "sleep 600 & sleep 600", private, timeout=1.0)

    assert (code, box) != (0, "confined by bubblewrap")
    assert await end_leftovers(JOB) == 0
