"""Running a program without a shell: its own process group, bounded output, bounded time. Nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from guru_policy.host import Completed

MAX_OUTPUT = 256 * 1024                 # bytes kept of each stream; the rest is read and thrown away
GRACE = 3.0                             # seconds between TERM and KILL, and after KILL
LINGER = 1.0                            # seconds in which a program that ended may still be heard
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IN, OUT, ERR = 0, 1, 2


async def run_program(
    argv: tuple[str, ...],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    root: Path | None = None,
    cwd: str | None = None,
    stdin: bytes = b"",
) -> Completed:
    """The finished program. Raises OSError when it cannot start, TimeoutError when it took too long.

    It is finished when it has ended, also when a daemon that it started holds its output open. Under a sandbox
    root the program starts in that folder and GURU_ROOT names it. One that does not read all of `stdin` is no failure.
    """
    inherited = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **(env or {})}
    if root is not None:
        inherited["GURU_ROOT"] = str(root)
    folder = root / (cwd or "/").lstrip("/") if root else Path(cwd or "/")
    try:
        transport, program = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Program(stdin), *argv, env=inherited, cwd=folder, start_new_session=True,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError as cause:
        if cause.filename == folder:
            raise NotADirectoryError(errno.ENOTDIR, f"there is no folder {folder}") from cause
        raise
    try:
        async with asyncio.timeout(timeout):
            await program.ended.wait()
        await _within(LINGER, program.silent)
    finally:
        await _end(transport, program)
    return Completed(transport.get_returncode() or 0, program.text(OUT), program.text(ERR))


class _Program(asyncio.SubprocessProtocol):
    """What a program is told and what is heard of it: the head of each stream, its end, that nobody speaks any more."""

    def __init__(self, stdin: bytes) -> None:
        self._stdin = stdin
        self._kept = {OUT: bytearray(), ERR: bytearray()}
        self._open = {OUT, ERR}
        self.ended, self.silent = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.SubprocessTransport, transport).get_pipe_transport(IN)
        if self._stdin and pipe is not None:
            told = cast(asyncio.WriteTransport, pipe)
            told.write(self._stdin)
            told.close()                # once all of it is written

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._kept[fd] += data[: MAX_OUTPUT - len(self._kept[fd])]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.ended.set()

    def text(self, fd: int) -> str:
        return self._kept[fd].decode(errors="replace")


async def _end(transport: asyncio.SubprocessTransport, program: _Program) -> None:
    """End the whole group: TERM, then KILL. What lingers in it after a clean end goes too.

    What not even KILL ends, since the kernel waits for a disk that does not answer, is left behind.
    """
    group = transport.get_pid()
    try:
        _signal(group, signal.SIGTERM)
        if not await _within(GRACE, program.ended):
            _signal(group, signal.SIGKILL)
            await _within(GRACE, program.ended)
    finally:
        _signal(group, signal.SIGKILL)
        _leave_untold(transport)
        transport.close()


def _leave_untold(transport: asyncio.SubprocessTransport) -> None:
    """Throw away what nobody has read of the input: closing alone would wait for whoever still holds it."""
    pipe = cast(asyncio.WriteTransport | None, transport.get_pipe_transport(IN))
    if pipe is not None and pipe.get_write_buffer_size():
        pipe.abort()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
