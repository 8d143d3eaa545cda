"""A command as a process of its own: a session, bounded time, streams as they come, and an end for all of it.

What it leaves behind ends with it: its process group at once, and whatever left the group is found by the variable
GURU_JOB in its environment (proc(5)), as it is inherited.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from guru_agent.host.groups import ERR, OUT, end_group, leave, signal_group, started, within
from guru_agent.jobs.tape import Heard

LINGER = 0.5                            # seconds in which a command that ended may still be heard
SLOWER = 0.02                           # seconds between two reads of what is thrown away
ROUNDS = 20                             # looks for what a job left behind
COOKIE = "GURU_JOB"


class Start(NamedTuple):
    """What is started. `options` are those of subprocess.Popen for the account."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    stdin: bytes
    timeout: float
    descriptors: tuple[int, ...] = ()
    options: Mapping[str, Any] = {}


class Ending(NamedTuple):
    """How it ended: `cut` says why it was ended, when it did not end by itself."""

    exit_code: int | None
    signal: int | None
    cut: str = ""                       # timeout | cancel | early: it was never started
    box: str = ""                       # the sandbox that it was in, and what made that


async def run_child(start: Start, heard: Heard, cancel: asyncio.Event) -> Ending:
    """Run it to its end, by itself, by its timeout or by `cancel`. OSError when it cannot start."""
    transport, child = await started(
        lambda: _Child(heard), start.argv, env=start.env, cwd=start.cwd, stdin=start.stdin,
        pass_fds=start.descriptors, **start.options,
    )
    cut = ""
    try:
        cut = await _end_or(child, start.timeout, cancel)
        if cut:
            await end_group(transport, child.ended)
        await within(LINGER, child.silent)
    finally:
        signal_group(transport, signal.SIGKILL)
        child.deaf()
        leave(transport)
    code = transport.get_returncode()
    if code is not None and code < 0:
        return Ending(None, -code, cut)
    return Ending(code, None, cut)


async def end_leftovers(job: str) -> int:
    """Kill whatever runs with the job's variable in its environment; how many there were."""
    found = 0
    for _ in range(ROUNDS):
        left = await asyncio.to_thread(_leftovers, f"{COOKIE}={job}".encode())
        if not left:
            break
        found += len(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(SLOWER)
    return found


class _Child(asyncio.SubprocessProtocol):
    """What it is told and what is heard of it."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._open = {OUT, ERR}
        self._transport: asyncio.SubprocessTransport | None = None
        self.ended, self.silent = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if not self._heard("out" if fd == OUT else "err", data):
            self._slow_down(fd)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.ended.set()

    def deaf(self) -> None:
        """Nothing that comes from now on counts."""
        self._heard = _ignored

    def _slow_down(self, fd: int) -> None:
        """A flood is read at a pace that leaves the processor to others."""
        pipe = self._transport.get_pipe_transport(fd) if self._transport else None
        if pipe is None or pipe.is_closing():
            return
        reading = cast(asyncio.ReadTransport, pipe)
        reading.pause_reading()
        asyncio.get_running_loop().call_later(SLOWER, _read_on, reading)


def _read_on(pipe: asyncio.ReadTransport) -> None:
    if not pipe.is_closing():
        pipe.resume_reading()


def _ignored(stream: str, data: bytes) -> bool:
    return False


async def _end_or(child: _Child, timeout: float, cancel: asyncio.Event) -> str:
    """Why it is to be ended; empty when it ended by itself."""
    waits = [asyncio.ensure_future(event.wait()) for event in (child.ended, cancel)]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
    if child.ended.is_set():
        return ""
    return "cancel" if cancel.is_set() else "timeout"


def _leftovers(cookie: bytes) -> list[int]:
    if sys.platform != "linux":
        return []
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = Path(entry.path, "environ").read_bytes()
        except OSError:
            continue                    # it is gone, or not ours to see
        if cookie in environment.split(b"\0"):
            found.append(int(entry.name))
    return found
