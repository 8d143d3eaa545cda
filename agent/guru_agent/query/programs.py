"""What other programs say, for tables: bounded in time and size. It never uses a shell.

PATH and locale are those that `asking` gave to the whole process.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from guru_agent.query.rows import Unseen

TIMEOUT = 20.0                          # seconds
MOST = 8 << 20                          # bytes that are read of an answer


def has(program: str) -> bool:
    """Whether the device has it."""
    return shutil.which(program) is not None


def heard(*argv: str, codes: tuple[int, ...] = (0,)) -> str:
    """What the program prints. Unseen when it is not there, fails, or takes too long."""
    program = shutil.which(argv[0])
    if program is None:
        raise Unseen(f"{argv[0]} is not installed")
    try:
        done = subprocess.run(
            (program, *argv[1:]), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unseen(f"{argv[0]} took longer than {TIMEOUT:g} s") from None
    except OSError as cause:
        raise Unseen(f"{argv[0]} does not start: {cause.strerror}") from cause
    if done.returncode not in codes:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unseen(f"{argv[0]} ended with {done.returncode}" + (f": {said[-1][:200]}" if said else ""))
    return done.stdout[:MOST].decode(errors="replace")


def lines(*argv: str, codes: tuple[int, ...] = (0,)) -> Iterator[str]:
    """The lines of the same."""
    yield from heard(*argv, codes=codes).splitlines()
