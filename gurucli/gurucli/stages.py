"""The stages of `guru ci`: each says how it went, and none stops the next where that still makes sense. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from gurucli.answers import FaultLine
from gurucli.exits import Exit

Verdict = Literal["passed", "failed", "refused", "skipped"]


class Stage(NamedTuple):
    """One stage: its verdict in a sentence, and the faults that reports show."""

    name: str
    verdict: Verdict
    message: str
    faults: tuple[FaultLine, ...] = ()


def ending(stages: Sequence[Stage]) -> Exit:
    """What the whole ends with: invalid before refused, and done when nothing failed."""
    verdicts = {stage.verdict for stage in stages}
    return Exit.invalid if "failed" in verdicts else Exit.refused if "refused" in verdicts else Exit.done


def faults_of(stages: Sequence[Stage]) -> list[FaultLine]:
    """Every fault once, errors before warnings, in the order of the stages: forges show the first few only."""
    found: list[FaultLine] = []
    for stage in stages:
        found += [fault for fault in stage.faults if fault not in found]
    return sorted(found, key=lambda fault: fault["severity"] == "warning")


def guard_lines(guards: Sequence[str]) -> tuple[FaultLine, ...]:
    """A guard's refusals as faults of the whole repository, so that every report shows them."""
    return tuple(
        {"path": "fleet.yaml", "line": 0, "column": 0, "message": guard, "hint": "", "severity": "error"}
        for guard in guards
    )
