"""Running a program without a shell: its own process group, bounded output, bounded time. Nothing else."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Mapping
from pathlib import Path

from guru_agent.host.groups import ERR, OUT, end_group, leave, signal_group, started, within
from guru_policy.host import Completed

MAX_OUTPUT = 256 * 1024                 # bytes kept of each stream; the rest is read and thrown away
LINGER = 1.0                            # seconds in which a program that ended may still be heard
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
        transport, program = await started(_Program, argv, env=inherited, cwd=folder, stdin=stdin)
    except FileNotFoundError as cause:
        if cause.filename == folder:
            raise NotADirectoryError(errno.ENOTDIR, f"there is no folder {folder}") from cause
        raise
    try:
        async with asyncio.timeout(timeout):
            await program.ended.wait()
        await within(LINGER, program.silent)
    finally:
        await _end(transport, program)
    return Completed(transport.get_returncode() or 0, program.text(OUT), program.text(ERR))


class _Program(asyncio.SubprocessProtocol):
    """What a program is told and what is heard of it: the head of each stream, its end, that nobody speaks any more."""

    def __init__(self) -> None:
        self._kept = {OUT: bytearray(), ERR: bytearray()}
        self._open = {OUT, ERR}
        self.ended, self.silent = asyncio.Event(), asyncio.Event()

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
    """End the whole group. What lingers in it after a clean end goes too."""
    try:
        await end_group(transport, program.ended)
    finally:
        signal_group(transport, signal.SIGKILL)
        leave(transport)
