"""Faults as people's programs get them; text from Git is made safe to show here. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import TypeAdapter

from guru_policy.faults import Fault
from guru_server.gateway.plain import plain
from guru_wire.operator import FaultLine

MAX_FAULTS = 200                        # kept of one revision or customer
_LINES = TypeAdapter(tuple[FaultLine, ...])


def lines_of(faults: Iterable[Fault]) -> tuple[FaultLine, ...]:
    """The first 200 faults in the order of their places."""
    return tuple(
        FaultLine(
            path=plain(fault.origin.path, 500),
            line=fault.origin.line,
            column=fault.origin.column,
            message=plain(fault.message, 1000),
            hint=plain(fault.hint, 500),
            severity="warning" if fault.severity == "warning" else "error",
        )
        for fault in sorted(faults)[:MAX_FAULTS]
    )


def dumped(lines: tuple[FaultLine, ...]) -> str:
    """JSON for a column."""
    return _LINES.dump_json(lines).decode()


def loaded(text: str) -> tuple[FaultLine, ...]:
    """What `dumped` wrote."""
    return _LINES.validate_json(text)
