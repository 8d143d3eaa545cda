"""What a command is shut in by: systemd's properties, or bubblewrap. Where neither can, it is never run without.

A program of a few lines stands between the two: it is told script and variables on its standard input, so that they are
in no argument list and in no property of a unit, looks whether it really is shut in, and becomes the command.
See systemd.exec(5) and bwrap(1).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from guru_agent.host.programs import PATH
from guru_agent.jobs.shells import said_inside
from guru_policy.errors import Unsupported
from guru_policy.host import Sandbox, Shell

BOOTED = Path("/run/systemd/system")    # sd_booted(3): systemd is process 1
RESOLVER = "/run/systemd/resolve/stub-resolv.conf"
KEPT = ("CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER")       # to read what others own; mounts keep it whole
SLACK = 30                              # seconds beyond the timeout until systemd ends what the agent should have
OWN = ("/tmp", "/var/tmp", "/dev", "/proc")     # noqa: S108 - where it may write: they are its own, or no disk
FOUND_OUT = 125                         # exit code of the program between when it finds itself not shut in
_PROPERTIES = (
    "NoNewPrivileges=yes", "ProtectSystem=strict", "ReadOnlyPaths=/run", "InaccessiblePaths=-/run/host",
    "ProtectHome=read-only", "PrivateTmp=yes", "PrivateDevices=yes", "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectControlGroups=yes", "ProtectClock=yes",
    "RestrictSUIDSGID=yes", "RestrictNamespaces=yes", "RestrictRealtime=yes", "LockPersonality=yes",
    f"CapabilityBoundingSet={' '.join(KEPT)}",
    # Whoever may talk to D-Bus or a container engine as root is not shut in: no sockets in the file system, by no way.
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK", "SystemCallArchitectures=native",
    "SystemCallFilter=~@mount @module @raw-io @reboot @swap io_uring_setup io_uring_enter io_uring_register",
    "SystemCallErrorNumber=EPERM",
)
_NOT_SO = b"not shut in: "
_BETWEEN = """
import json, os, sys
told = json.load(sys.stdin.buffer)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
mounts = [line.split() for line in open("/proc/self/mounts", errors="surrogateescape")]
places = [at for _, at, _, options, *_ in mounts if "rw" in options.split(",")]
open_to = [at for at in places if not any(at == own or at.startswith(own + "/") for own in told["own"])]
wrong = [what for what, is_so in (
    ("the system is writable at " + ", ".join(open_to), bool(open_to)),
    ("it may get privileges", status["NoNewPrivs"].strip() != "1"),
    ("it may mount", bool(int(status["CapEff"], 16) >> 21 & 1)),
    ("there is a network", told["isolated"] and
     any(line.split(":")[0].strip() != "lo" for line in open("/proc/self/net/dev").readlines()[2:])),
) if is_so]
if wrong:
    print("not shut in: " + ", ".join(wrong), file=sys.stderr)
    sys.exit(told["found_out"])
argv = told["argv"]
if told["script"] is not None:
    script = os.memfd_create("guru-script", 0)
    with open(script, "wb", closefd=False) as there:
        there.write(told["script"].encode("utf-8", "surrogateescape"))
    argv.append(f"/proc/self/fd/{script}")
os.chdir(told["cwd"])
os.execvpe(argv[0], argv, told["env"])
"""


class Tools(NamedTuple):
    """What this machine could shut a command in with: paths, empty for none."""

    systemd_run: str
    bubblewrap: str
    root: bool


class Around(NamedTuple):
    """Where it stands: a sandbox root that is to be seen, and the agent's own folder, which is not."""

    root: str | None
    private: Path | None


class Box(NamedTuple):
    """A command that is shut in: how, the whole command line, and what its standard input is told.

    When it fails and its standard error begins with one of `refusals`, the command itself did not run.
    """

    by: str
    argv: tuple[str, ...]
    stdin: bytes
    refusals: tuple[bytes, ...]


def tools(booted: Path = BOOTED, which: Callable[..., str | None] = shutil.which) -> Tools:
    """What there is now."""
    run = which("systemd-run", path=PATH) if booted.is_dir() else None
    return Tools(run or "", which("bwrap", path=PATH) or "", os.geteuid() == 0)


def shut_in(
    sandbox: Sandbox, shell: Shell | None, script: str, env: Mapping[str, str], cwd: Path, *,
    around: Around, timeout: float, cookie: str, there: Tools,
) -> Box:
    """The command in its sandbox; Unsupported, with the reason, where there is nothing to make one with."""
    argv, told = said_inside(shell, script)
    by_systemd = bool(there.systemd_run and there.root)
    own = OWN if by_systemd else (*OWN, "/run", *([str(around.private)] if around.private is not None else []))
    stdin = json.dumps({
        "argv": argv, "script": told, "env": dict(env), "cwd": str(cwd), "isolated": sandbox == "isolated",
        "own": own, "found_out": FOUND_OUT,
    }).encode("utf-8", "surrogateescape")
    between = (os.path.realpath(sys.executable), "-I", "-S", "-c", _BETWEEN)
    if by_systemd:
        first = _systemd(there.systemd_run, sandbox, around, timeout, cookie)
        return Box("systemd", (*first, *between), stdin, (_NOT_SO, b"Failed to start ", b"Job for "))
    if there.bubblewrap:
        return Box("bubblewrap", (*_bubblewrap(there, sandbox, around), *between), stdin, (_NOT_SO, b"bwrap: "))
    raise Unsupported(
        f"the sandbox {sandbox} needs systemd and an agent that is root, or bubblewrap, and this device has neither: "
        "nothing ran", hint="install bubblewrap there",
    )


def _systemd(program: str, sandbox: Sandbox, around: Around, timeout: float, cookie: str) -> Iterable[str]:
    properties = [*_PROPERTIES, f"RuntimeMaxSec={round(timeout) + SLACK}"]
    if around.private is not None:
        properties.append(f"InaccessiblePaths=-{around.private}")
    if around.root is not None:
        properties.append(f"BindReadOnlyPaths={around.root}")
    if sandbox == "isolated":
        properties.append("PrivateNetwork=yes")
    yield from (program, "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", f"--setenv={cookie}")
    yield from (f"--property={one}" for one in properties)
    yield "--"


def _bubblewrap(there: Tools, sandbox: Sandbox, around: Around) -> Iterable[str]:
    yield from (there.bubblewrap, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
    yield from ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    for folder in ("/tmp", "/var/tmp", "/run"):                 # noqa: S108 - an empty one of its own
        yield from ("--tmpfs", folder)
    yield from ("--ro-bind-try", RESOLVER, RESOLVER)
    if around.root is not None:
        yield from ("--ro-bind", around.root, around.root)
    if around.private is not None:
        yield from ("--tmpfs", str(around.private))
    yield from ("--cap-drop", "ALL")
    for capability in KEPT if there.root else ():
        yield from ("--cap-add", capability)
    if sandbox == "isolated":
        yield "--unshare-net"
    yield "--"
