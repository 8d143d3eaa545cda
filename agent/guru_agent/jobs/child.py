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

from guru_agent.jobs.tape import Heard

GRACE = 3.0                             # seconds between TERM and KILL, and after KILL
LINGER = 0.5                            # seconds in which a command that ended may still be heard
SLOWER = 0.02                           # seconds between two reads of what is thrown away
ROUNDS = 20                             # looks for what a job left behind
COOKIE = "GURU_JOB"
IN, OUT, ERR = 0, 1, 2


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


async def run_child(start: Start, heard: Heard, cancel: asyncio.Event) -> Ending:
    """Run it to its end, by itself, by its timeout or by `cancel`. OSError when it cannot start."""
    transport, child = await _started(start, heard)
    group = transport.get_pid()
    cut = ""
    try:
        cut = await _end_or(child, start.timeout, cancel)
        if cut:
            _signal(group, signal.SIGTERM)
            if not await _within(GRACE, child.ended):
                _signal(group, signal.SIGKILL)
                await _within(GRACE, child.ended)
        await _within(LINGER, child.silent)
    finally:
        _signal(group, signal.SIGKILL)
        pipe = cast(asyncio.WriteTransport | None, transport.get_pipe_transport(IN))
        if pipe is not None and pipe.get_write_buffer_size():
            pipe.abort()                # closing alone would wait for whoever still holds it
        child.deaf()
        transport.close()
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

    def __init__(self, stdin: bytes, heard: Heard) -> None:
        self._stdin, self._heard = stdin, heard
        self._open = {OUT, ERR}
        self._transport: asyncio.SubprocessTransport | None = None
        self.ended, self.silent = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        pipe = self._transport.get_pipe_transport(IN)
        if self._stdin and pipe is not None:
            told = cast(asyncio.WriteTransport, pipe)
            told.write(self._stdin)
            told.close()                # once all of it is written

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


async def _started(start: Start, heard: Heard) -> tuple[asyncio.SubprocessTransport, _Child]:
    """The running child. Cancelled meanwhile, it ends all of it: asyncio alone would wait for whoever holds a pipe."""
    starting = asyncio.ensure_future(asyncio.get_running_loop().subprocess_exec(
        lambda: _Child(start.stdin, heard), *start.argv, env=dict(start.env), cwd=start.cwd, start_new_session=True,
        stdin=asyncio.subprocess.PIPE if start.stdin else asyncio.subprocess.DEVNULL,
        pass_fds=start.descriptors, **start.options,
    ))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        transport, child = await starting
        _signal(transport.get_pid(), signal.SIGKILL)
        child.deaf()
        transport.close()
        raise


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


async def _within(seconds: float, event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


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
