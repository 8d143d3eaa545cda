"""Running a program without a shell: its own process group, bounded output, bounded time. Nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from guru_policy.host import Completed

MAX_OUTPUT = 256 * 1024                 # bytes kept of each stream; the rest is read and thrown away
GRACE = 3.0                             # seconds between TERM and KILL
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

    Under a sandbox root the program starts in that folder and GURU_ROOT names it.
    """
    inherited = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **(env or {})}
    if root is not None:
        inherited["GURU_ROOT"] = str(root)
    folder = root / (cwd or "/").lstrip("/") if root else Path(cwd or "/")
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=inherited, cwd=folder, start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            out, err, _, _ = await asyncio.gather(
                _bounded(process.stdout), _bounded(process.stderr), process.wait(), _feed(process.stdin, stdin)
            )
    finally:
        await _end(process)
    return Completed(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    """Everything and the end; a program that stops reading is none of ours."""
    if stream is None:
        return
    with contextlib.suppress(ConnectionError):
        stream.write(data)
        await stream.drain()
    stream.close()


async def _bounded(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream and (data := await stream.read(65_536)):
        kept += data[: MAX_OUTPUT - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole group: TERM, then KILL. What lingers in it after a clean end goes too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    if process.returncode is None:
        try:
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
