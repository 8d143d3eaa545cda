"""What a check found: ok, warning, critical or unknown. It never says what to do about it."""

from __future__ import annotations

from enum import StrEnum

from guru_policy.model import Carried


class State(StrEnum):
    """Nagios' four plugin states; `unknown` means we could not look, and is neither fine nor down."""

    ok = "ok"
    warning = "warning"
    critical = "critical"
    unknown = "unknown"


class Verdict(Carried):
    """One reading of one check. `value` is in the check's own unit; `message` is for people."""

    state: State
    message: str = ""
    value: float | None = None
    unit: str = ""
