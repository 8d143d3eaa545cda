"""From a reading to a verdict: thresholds, and text that is fit to be shown. It looks at nothing."""

from __future__ import annotations

import re

from guru_policy.model import wrong
from guru_policy.verdict import State, Verdict

MAX_MESSAGE = 500                       # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """One bounded line without control or bidirectional characters; what a device says is untrusted."""
    line = _CONTROL.sub(" ", text[: 4 * limit]).strip()
    return line if len(line) <= limit else line[: limit - 3] + "..."


def verdict(state: State, message: str, value: float | None = None, unit: str = "") -> Verdict:
    """A verdict with its message cleaned and its value rounded to four decimals."""
    return Verdict(
        state=state, message=clean(message), value=None if value is None else round(value, 4), unit=unit
    )


def above(value: float, warning: float | None, critical: float | None) -> State:
    """Critical or warning from the threshold on; None is no threshold."""
    if critical is not None and value >= critical:
        return State.critical
    return State.warning if warning is not None and value >= warning else State.ok


def below(value: float, warning: float | None, critical: float | None) -> State:
    """Critical or warning under the threshold; None is no threshold."""
    if critical is not None and value < critical:
        return State.critical
    return State.warning if warning is not None and value < warning else State.ok


def worst(*states: State) -> State:
    """The gravest: critical, then warning, then unknown, then ok."""
    order = (State.critical, State.warning, State.unknown, State.ok)
    return next(state for state in order if state in states)


def ascending(warning: float | None, critical: float | None) -> None:
    """Refuse a warning that comes after its critical."""
    if warning is not None and critical is not None and warning > critical:
        raise wrong("`warning` is above `critical`", hint="exchange them")


def human_bytes(size: float) -> str:
    """`12.3 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
