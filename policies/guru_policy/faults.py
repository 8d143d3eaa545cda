"""A fault in a fleet repository with its place; it never raises anything itself."""

from __future__ import annotations

from typing import NamedTuple


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
