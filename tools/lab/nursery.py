"""Starts the installed programs out of processes that have imported them already, for tests that start hundreds.

A server takes over a second of processor to import what it is made of, and it is the same every time. A nursery is
one process for each program: it imports the program's whole package, then forks a child for every start asked for.
A child is a process of its own in every other way - own session, own files, own environment, killed and waited for
as any other - and calls the same entry point as the installed script does. Programs are started for real where
nobody opened nurseries (the demo, the benchmarks), where Python itself is told something by the environment, and
away from Linux.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tools.lab.dying import die_with_parent, rename

PACKAGES = {"guru-server": "guru_server", "guru-agent": "guru_agent", "guru": "gurucli"}
LATE = {"guru-server": ("uvloop", "alembic.command"), "guru-agent": (), "guru": ()}     # imported by others on use
TOLD = ("PYTHON", "LD_", "LC_", "LANG")     # what a running interpreter has read from its environment for good
MESSAGE = 1 << 17                       # bytes
FILES = 256                             # more than a nursery ever has open

_open: dict[str, Nursery] | None = None
_making = threading.Lock()


@contextlib.contextmanager
def nurseries() -> Iterator[None]:
    """Meanwhile programs start out of nurseries, each made at its first use. They end with the block."""
    global _open
    before, _open = _open, {}
    try:
        yield
    finally:
        opened, _open = _open, before
        for one in opened.values():
            one.close()


def started(argv: Sequence[str], env: Mapping[str, str], out: IO[Any], err: IO[Any]) -> Born | None:
    """The program `argv` with these variables besides this process's; None when it has to be started for real."""
    program = Path(argv[0])
    if (
        _open is None or sys.platform != "linux" or program.parent != Path(sys.executable).parent
        or program.name not in PACKAGES or any(name.startswith(TOLD) for name in env)
    ):
        return None
    with _making:
        if program.name not in _open:
            _open[program.name] = Nursery(program.name)
    return _open[program.name].bear(argv, {**os.environ, **env}, out, err)


class Nursery:
    """The process that bears, as seen by who asks it."""

    def __init__(self, program: str) -> None:
        self._lock, self._codes = threading.Lock(), dict[int, int]()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.lab.nursery", program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
                cwd=Path(__file__).parents[2],
            )

    def bear(self, argv: Sequence[str], env: Mapping[str, str], out: IO[Any], err: IO[Any]) -> Born:
        """A child that runs."""
        order = json.dumps({"argv": list(argv), "env": dict(env), "cwd": str(Path.cwd())}).encode()
        with self._lock:
            socket.send_fds(self._socket, [order], [out.fileno(), err.fileno()])
            while "born" not in (told := self._hear()):
                pass
        return Born(self, int(told["born"]), tuple(argv))

    def code(self, pid: int) -> int:
        """How a child that has ended did; it waits until it has. Those that ended with the nursery were killed."""
        with self._lock:
            while pid not in self._codes and self._socket.fileno() >= 0:
                self._hear()
        return self._codes.get(pid, -signal.SIGKILL)

    def close(self) -> None:
        """End it, and every child with it."""
        with self._lock:
            self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def _hear(self) -> dict[str, int]:
        raw = self._socket.recv(MESSAGE)
        if not raw:
            raise RuntimeError("the nursery has ended")
        told: dict[str, int] = json.loads(raw)
        if "ended" in told:
            self._codes[told["ended"]] = told["code"]
        return told


class Born:
    """A process that a nursery started, with what tests use of subprocess.Popen."""

    def __init__(self, nursery: Nursery, pid: int, argv: tuple[str, ...]) -> None:
        self._nursery, self.pid, self._argv = nursery, pid, argv
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None         # it has ended

    def poll(self) -> int | None:
        """The exit code; minus the signal when one ended it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float) -> int:
        """The exit code; subprocess.TimeoutExpired after `timeout` seconds."""
        if self._handle is not None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._argv, timeout)
            os.close(self._handle)
            self._handle = None
        return self._nursery.code(self.pid)

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)


def main(program: str, descriptor: int) -> None:
    """The process that bears; in a child it becomes the program."""
    package = importlib.import_module(PACKAGES[program])
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith(".__main__") and ".migrations." not in found.name:
            importlib.import_module(found.name)
    for name in LATE[program]:
        importlib.import_module(name)
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=program)
    start = entry.load()
    gc.freeze()                         # nothing of this is garbage, and looking would copy its memory
    _bear(socket.socket(fileno=descriptor))
    _run(start)


def _run(start: Callable[[], object]) -> None:
    """Run the program to its end, but for taking the interpreter apart: a second of processor with so much in it."""
    code = 1
    try:
        start()
        code = 0
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            sys.stderr.write(f"{ended.code}\n")
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:               # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())
    threading._shutdown()               # type: ignore[attr-defined] - as the interpreter would
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _bear(asked: socket.socket) -> None:
    """Fork for every order; returns in each child. It ends the process, and so all children, with the other side."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            woken.recv(4096)
        _tell_ends(asked)
        if asked not in ready:
            continue
        raw, descriptors, _, _ = socket.recv_fds(asked, MESSAGE, 2)
        if not raw:
            sys.exit()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for own in (asked, woken, wake):
                own.close()
            _become(json.loads(raw), descriptors, parent)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        asked.send(json.dumps({"born": pid}).encode())


def _tell_ends(asked: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            told = {"ended": ended[0], "code": os.waitstatus_to_exitcode(ended[1])}
            with contextlib.suppress(BrokenPipeError):
                asked.send(json.dumps(told).encode())


def _become(order: Mapping[str, Any], descriptors: Sequence[int], parent: int) -> None:
    """All that a fresh process would find otherwise."""
    os.setsid()
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    for descriptor, number in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, number)
    os.closerange(3, FILES)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.argv = order["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    rename(Path(sys.argv[0]).name)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
