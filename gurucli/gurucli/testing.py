"""The tests of a fleet repository, run on this machine as the server would decide. It writes nothing.

`guru test` draws what it gives back; other verbs take `faults` and `summary` from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.bundle import digest_of
from guru_policy.errors import InputInvalid, PolicyInvalid, UsageWrong
from guru_policy.faults import Fault, Origin
from guru_policy.fleet import Fleet
from guru_policy.testing.covering import Coverage, coverage
from guru_policy.testing.outcome import Outcome
from guru_policy.testing.running import Runner, tests_of
from guru_policy.tree import Tree
from gurucli.answers import FaultLine
from gurucli.human import plural


class Case(NamedTuple):
    """One test as rows and reports carry it."""

    name: str
    scope: str
    path: str
    line: int
    description: str
    claims: int
    failures: tuple[FaultLine, ...]

    @property
    def verdict(self) -> str:
        """`passed` or `failed`."""
        return "failed" if self.failures else "passed"

    def row(self) -> dict[str, object]:
        """As JSON carries it."""
        return {**self._asdict(), "verdict": self.verdict, "failed": len(self.failures),
                "failures": list(self.failures)}


@dataclass(frozen=True)
class Ran:
    """The tests that ran, and how much of the repository their claims speak of."""

    cases: tuple[Case, ...]
    coverage: Coverage

    @property
    def failed(self) -> int:
        """How many tests failed."""
        return sum(case.verdict == "failed" for case in self.cases)

    @property
    def faults(self) -> list[FaultLine]:
        """Every claim that does not hold, each naming its test."""
        return [{**line, "message": f"test {case.name}: {line['message']}"} for case in self.cases
                for line in case.failures]

    @property
    def summary(self) -> str:
        """`12 tests passed`, or how many failed."""
        passed = len(self.cases) - self.failed
        if not self.failed:
            return f"{plural(passed, 'test')} passed"
        return f"{plural(self.failed, 'test')} failed, {passed:,} passed"


def run_tests(tree: Tree, fleet: Fleet, chosen: str = "") -> Ran:
    """Run the tests whose names hold the regular expression `chosen`.

    `fleet` is what was loaded from `tree`. Raises PolicyInvalid for one with faults, since what it compiles to is not
    what a server makes of it; UsageWrong for a wrong expression; InputInvalid when no test ran.
    """
    errors = [fault for fault in fleet.faults if fault.severity == "error"]
    if errors:
        raise PolicyInvalid(errors)
    pattern = _pattern(chosen)
    digests = {path: digest_of(tree.read(entry)) for path, entry in fleet.asset_entries().items()}
    ran = Runner(fleet, digests).run(pattern)
    if not ran.outcomes:
        raise _nothing(fleet, chosen)
    return Ran(tuple(_case(outcome) for outcome in ran.outcomes), coverage(fleet, ran.exercised))


def place_of(origin: Origin) -> str:
    """`path:line`."""
    return f"{origin.path}:{origin.line}" if origin.line else origin.path


def percent_of(share: float) -> float:
    """A share as a percentage with one digit, rounded down: 100.0 only when nothing is left out."""
    return int(share * 1000) / 10


def _pattern(chosen: str) -> re.Pattern[str] | None:
    try:
        return re.compile(chosen) if chosen else None
    except re.error as cause:
        raise UsageWrong(f"--run {chosen!r} is not a regular expression: {cause}") from cause


def _nothing(fleet: Fleet, chosen: str) -> InputInvalid:
    names: Sequence[str] = [item.name for item in tests_of(fleet)]
    if not names:
        return InputInvalid("no test ran: the repository has none", hint="write one; `guru explain Test` tells how")
    return InputInvalid(f"no test ran: no name holds {chosen!r}", hint=f"there are {', '.join(names[:10])}")


def _case(outcome: Outcome) -> Case:
    lines = tuple(_line(Fault(one.origin, one.message, one.hint)) for one in outcome.failures)
    return Case(outcome.key.name, str(outcome.key.scope), outcome.origin.path, outcome.origin.line,
                      outcome.description, outcome.claims, lines)


def _line(fault: Fault) -> FaultLine:
    return {"path": fault.origin.path, "line": fault.origin.line, "column": fault.origin.column,
            "message": fault.message, "hint": fault.hint, "severity": "error"}
