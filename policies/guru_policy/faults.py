"""A fault in a fleet repository with its place; it never raises anything itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_FAULTS = 100                        # told of one file; looking for more would only cost time


class Origin(NamedTuple):
    """A place in the fleet repository. Lines and columns count from 1; 0 means the whole file."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}"


class Fault(NamedTuple):
    """One thing that is wrong, where it is, and what to do about it."""

    origin: Origin
    message: str
    hint: str = ""
    severity: str = "error"             # error | warning

    def __str__(self) -> str:
        return f"{self.origin}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def enough(faults: Sequence[Fault]) -> bool:
    """Whether there are more of one file than are told, so that nobody needs to look for more."""
    return len(faults) > MAX_FAULTS


def told(faults: Sequence[Fault], path: str) -> tuple[Fault, ...]:
    """The first faults of a file, and one that says so when there are more."""
    if not enough(faults):
        return tuple(faults)
    return (*faults[:MAX_FAULTS], more_of(path))


def more_of(path: str) -> Fault:
    """What is said in the place of all faults of a file after the first ones."""
    return Fault(Origin(path), f"the file has more than {MAX_FAULTS} faults", "mend the first ones to see the others")
