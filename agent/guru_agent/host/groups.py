"""Programs in process groups of their own: started so that a cancelled start leaves nothing, and ended whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

GRACE = 3.0                             # seconds between TERM and KILL, and after KILL
IN, OUT, ERR = 0, 1, 2
Heard = TypeVar("Heard", bound=asyncio.SubprocessProtocol)


async def started(
    protocol: Callable[[], Heard], argv: tuple[str, ...], *, env: Mapping[str, str], cwd: Path, stdin: bytes,
    **options: Any,
) -> tuple[asyncio.SubprocessTransport, Heard]:
    """The program, running in a session and group of its own; `stdin` is told to it. OSError when it cannot start.

    Cancelled meanwhile, it ends all of it: asyncio alone would wait for whoever holds one of its pipes.
    """
    starting = asyncio.ensure_future(asyncio.get_running_loop().subprocess_exec(
        protocol, *argv, env=dict(env), cwd=cwd, start_new_session=True,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL, **options,
    ))
    try:
        transport, heard = await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):                  # it cannot even start
            transport, _ = await starting
            signal_group(transport, signal.SIGKILL)
            leave(transport)
        raise
    if stdin:
        told = cast(asyncio.WriteTransport, transport.get_pipe_transport(IN))
        told.write(stdin)
        told.close()                    # once all of it is written
    return transport, heard


async def end_group(transport: asyncio.SubprocessTransport, ended: asyncio.Event) -> None:
    """TERM, then KILL. What not even KILL ends, since the kernel waits for a disk, is left behind."""
    signal_group(transport, signal.SIGTERM)
    if not await within(GRACE, ended):
        signal_group(transport, signal.SIGKILL)
        await within(GRACE, ended)


def leave(transport: asyncio.SubprocessTransport) -> None:
    """Close what is left of a program that was ended, and throw away what nobody has read of its input.

    Closing alone would wait for whoever still holds the other end.
    """
    pipe = cast(asyncio.WriteTransport | None, transport.get_pipe_transport(IN))
    if pipe is not None and pipe.get_write_buffer_size():
        pipe.abort()
    transport.close()


def signal_group(transport: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    """Send it to the whole group; one that is gone, or not ours any more, is no failure."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(transport.get_pid(), number)


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event came within the time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
