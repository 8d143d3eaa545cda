"""What became of a test of the fleet repository: claims that hold and claims that do not. Only data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.faults import Fault, Origin
from guru_policy.objects.object import Key


class Failure(NamedTuple):
    """A claim that does not hold: where it stands, both sides, and who decided otherwise."""

    origin: Origin
    claim: str                          # `checks.disk.warning`, `at 20m: disk-full`
    expected: str
    got: str
    decided: str = ""                   # file:line and layer; empty when nobody in particular
    hint: str = ""

    @property
    def message(self) -> str:
        """One line for people."""
        said = f"{self.claim}: expected {self.expected}, got {self.got}"
        return f"{said}, by {self.decided}" if self.decided else said


class Outcome(NamedTuple):
    """One test that ran."""

    key: Key
    origin: Origin
    description: str
    claims: int
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether every claim holds."""
        return not self.failures

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The failures, as reports carry them."""
        return tuple(Fault(one.origin, f"test {self.key.name}: {one.message}", one.hint) for one in self.failures)


@dataclass(frozen=True)
class Exercised:
    """What the claims of tests spoke of: places of leaves, rules, steps, channels, windows, files; what applied."""

    leaves: frozenset[Origin] = frozenset()
    rules: frozenset[str] = frozenset()             # as `alerting.rule.Rule.key`
    files: frozenset[str] = frozenset()
    applied: frozenset[Origin] = frozenset()        # where the applied layers begin
    steps: frozenset[str] = frozenset()             # of escalations, as `alerting.telling.Step.key`
    channels: frozenset[Key] = frozenset()
    windows: frozenset[Origin] = frozenset()        # where the maintenance windows begin

    def __or__(self, other: Exercised) -> Exercised:
        return Exercised(
            self.leaves | other.leaves, self.rules | other.rules, self.files | other.files,
            self.applied | other.applied, self.steps | other.steps, self.channels | other.channels,
            self.windows | other.windows,
        )
