"""A throwaway copy of this Linux machine that boots a systemd of its own. It never changes the machine itself.

The copy is an overlay over `/` that lives in memory and in its own mount namespace, so that nothing is left
when its process ends. It shares the network, and so the loopback address of a server under test.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.lab.processes import Child
from tools.lab.world import BIN, Done, Failed, wait_until

NEEDED = {"systemd-nspawn": "systemd-container", "nsenter": "util-linux", "cron": "cron"}
ROOT = Path(__file__).parents[2]
TARGET = "guru-lab.target"
BOOT_SECONDS = 180.0                    # on a busy machine; a quiet one takes ten
# Where the programs of a working copy are may be hidden from units that are shipped.
SEEN = "[Service]\nProtectHome=tmpfs\nBindReadOnlyPaths={}\n"
# Temporary files stay out: a copy that boots clears them away, and that of a machine with a million takes minutes.
# A copy has no package sources, and believes that no package is installed: whoever installs something on this
# machine at the same time does not matter to it.
SCRIPT = """
set -eu
mount -t tmpfs -o size=1g,mode=755 tmpfs "$LAB"
mkdir -m 755 "$LAB/changes" "$LAB/work" "$LAB/root"
mount -t overlay -o "lowerdir=/,upperdir=$LAB/changes,workdir=$LAB/work" overlay "$LAB/root"
mount -t tmpfs -o size=256m,mode=1777 tmpfs "$LAB/root/tmp"
mount -t tmpfs -o size=256m,mode=1777 tmpfs "$LAB/root/var/tmp"
cd "$LAB/root"
rm -rf etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/preferences.d/* var/lib/apt/lists/*
rm -rf var/lib/guru-agent etc/guru etc/cron.d/* usr/sbin/policy-rc.d etc/machine-id
rm -rf var/lib/dpkg var/lib/apt/extended_states
mkdir -p var/lib/dpkg/info var/lib/dpkg/updates var/lib/dpkg/triggers var/lib/dpkg/alternatives
: >var/lib/dpkg/status
: >etc/machine-id
cp -a "$SEED/." .
exec systemd-nspawn --quiet --settings=no --register=no --keep-unit --link-journal=no --console=pipe \\
    --resolv-conf=off --timezone=off --machine="$NAME" "$@" --directory="$LAB/root" --boot -- --unit="$TARGET"
"""


class Clone:
    """The copy, from `boot` to `stop`. `seed` is laid over its files before it boots."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seed = folder / "seed"
        self._process: Child | None = None
        self._leader = 0
        self.put("etc/systemd/system/" + TARGET, "[Unit]\nRequires=sysinit.target dbus.socket\n")
        for program in ("guru-agent", "guru-server"):
            self.put(f"usr/bin/{program}", f'#!/bin/sh\nexec {shlex.quote(str(BIN / program))} "$@"\n', 0o755)
        for unit in ("guru-agent-network", "guru-server", "guru-signer"):
            self.put(f"etc/systemd/system/{unit}.service.d/lab.conf", SEEN.format(" ".join(map(str, _programs()))))

    def put(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """A file of the seed, before the boot."""
        target = self.seed / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def boot(self) -> None:
        """Start it; Failed with what it said when it does not come up, or when a program is missing."""
        if lacking := [package for program, package in NEEDED.items() if _absent(program)]:
            raise Failed(f"this needs {' '.join(lacking)}: apt-get install {' '.join(lacking)}")
        lab = self._folder / "lab"
        lab.mkdir()
        name = f"guru-{secrets.token_hex(4)}"
        self._process = Child(
            ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", SCRIPT, "sh", *_binds()],
            self._folder / "clone.log",
            {"LAB": str(lab), "SEED": str(self.seed), "NAME": name, "TARGET": TARGET,
             "SYSTEMD_NSPAWN_TMPFS_TMP": "0", "SYSTEMD_LOG_LEVEL": "warning"},
        )
        wait_until("the copy of this machine has a first process", self._find_leader, BOOT_SECONDS)
        wait_until("the copy of this machine is up", self._up, BOOT_SECONDS, seen=self._waits_for)

    def run(self, *argv: str, timeout: float = 60.0, check: bool = True, stdin: str = "") -> Done:
        """Run a program in the copy; Failed when `check` and its exit code is not 0."""
        inside = ["nsenter", f"--target={self._leader}", "--mount", "--pid", "--uts", "--ipc", "--cgroup",
                  "--root", "--wd=/", "env", "-i", "LC_ALL=C.UTF-8", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        done = subprocess.run(
            [*inside, *argv], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            raise Failed(f"{shlex.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def path(self, inside: str) -> Path:
        """A file of the running copy, as this machine can reach it."""
        return Path(f"/proc/{self._leader}/root") / inside.lstrip("/")

    def property(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` tells it."""
        return self.run("systemctl", "show", f"--property={name}", "--value", "--", unit).out.strip()

    def stop(self) -> None:
        """End it with everything that runs in it."""
        if self._process is not None:
            self._process.kill()        # it takes its process namespace with it, and so all of the copy

    def _find_leader(self) -> bool:
        process = self._process
        assert process is not None
        if not process.running:
            raise Failed(f"the copy did not start: {process.output()[-2000:]}")
        self._leader = next((pid for pid in _descendants(process.pid) if _name(pid) == "systemd"), 0)
        return self._leader != 0

    def _up(self) -> bool:
        return self.run("systemctl", "is-active", TARGET, check=False, timeout=BOOT_SECONDS).out == "active\n"

    def _waits_for(self) -> str:
        return self.run("systemctl", "list-jobs", check=False).out


def _absent(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None


def _binds() -> list[str]:
    """What the overlay would not show: it is on another filesystem, or where a machine that boots cleans up."""
    device = Path("/").stat().st_dev
    return [
        f"--bind-ro={path}" for path in _programs()
        if path.stat().st_dev != device or path.is_relative_to("/tmp")
    ]


def _programs() -> list[Path]:
    return sorted({ROOT, Path(sys.prefix), Path(sys.base_prefix)})


def _name(pid: int) -> str:
    return _read(f"/proc/{pid}/comm").strip()


def _descendants(pid: int) -> Iterator[int]:
    for child in map(int, _read(f"/proc/{pid}/task/{pid}/children").split()):
        yield child
        yield from _descendants(child)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
