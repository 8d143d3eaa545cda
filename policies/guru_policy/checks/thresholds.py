"""How a reading becomes ok, warning or critical. Pure; every kind of check judges through it."""

from __future__ import annotations

from guru_policy.verdict import State, Verdict

MAX_MESSAGE = 400                       # characters of a verdict's message


def above(value: float, warning: float | None, critical: float | None) -> State:
    """Critical at or over `critical`, warning at or over `warning`; None is no threshold."""
    if critical is not None and value >= critical:
        return State.critical
    return State.warning if warning is not None and value >= warning else State.ok


def below(value: float, warning: float | None, critical: float | None) -> State:
    """Critical at or under `critical`, warning at or under `warning`; None is no threshold."""
    if critical is not None and value <= critical:
        return State.critical
    return State.warning if warning is not None and value <= warning else State.ok


def verdict(state: State, message: str, value: float | None = None, unit: str = "") -> Verdict:
    """A verdict whose message is one short printable line, whatever a machine put into it."""
    line = "".join(letter if letter.isprintable() else " " for letter in message)
    return Verdict(state=state, message=" ".join(line.split())[:MAX_MESSAGE], value=value, unit=unit)
