"""Asks a process of its own for the answer to a query. Nothing of the answer is looked into here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from guru_agent.host.programs import PATH
from guru_policy.errors import DeadlinePassed, GuruError
from guru_wire.querying import Query, QueryFailed

SLACK = 5.0                             # seconds after the query's own limit, for starting and ending
MOST_LINE = 2 << 20                     # bytes of one part


async def ask(query: Query, root: Path | None = None) -> AsyncGenerator[bytes]:
    """The parts of the answer, a line of JSON each, the last of them `end` or `failed`.

    Whoever stops reading ends the process. One that hangs is killed, and the answer is then `failed`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "guru_agent.query", str(root or ""), limit=MOST_LINE, start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    last = b""
    try:
        async with asyncio.timeout(query.limits.seconds + SLACK):
            _tell(process, query)
            while line := await process.stdout.readline():      # type: ignore[union-attr]
                last = line
                yield line.rstrip(b"\n")
    except ValueError:                  # readline's limit
        yield _failed(f"a row of the answer is larger than {MOST_LINE >> 20} MiB", "ask for fewer columns")
        return
    except TimeoutError:
        yield _failed(f"the query took longer than {query.limits.seconds:g} s and was ended", code=DeadlinePassed.code)
        return
    finally:
        await _end(process)
    if not last.startswith((b'{"t":"end"', b'{"t":"failed"')):
        yield _failed("the process that answers queries ended early", "ask for less: it may have run out of memory")


def _tell(process: asyncio.subprocess.Process, query: Query) -> None:
    told = process.stdin
    if told is not None:
        told.write(query.model_dump_json().encode())
        told.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _failed(message: str, hint: str = "", code: str = GuruError.code) -> bytes:
    return QueryFailed(code=code, message=message, hint=hint).model_dump_json().encode()
