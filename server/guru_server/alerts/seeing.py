"""What a sweep works with: verdicts that were seen, alerts that are open, and changes to be stored. Only data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.alerting.episode import Episode, Reading
from guru_policy.alerting.rule import Rule
from guru_policy.alerting.telling import Progress, Telling
from guru_policy.inventory import Device


class Seen(NamedTuple):
    """A check's newest verdict on a device."""

    device: Device
    check: str
    reading: Reading
    value: float | None
    unit: str
    message: str


class Open(NamedTuple):
    """A stored alert that has not ended."""

    id: str
    rule: str
    customer: str
    device: str
    check: str
    severity: str
    episode: Episode
    progress: Progress | None = None
    acked_at: int | None = None
    acked_until: int | None = None

    def taken_up(self, now: int) -> int | None:
        """Since when somebody has it, at `now`; None while nobody does."""
        return self.acked_at if self.acked_until is None or now < self.acked_until else None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change to be stored. `before` is None for a new alert, `after` None for a dropped pending one.

    `begin` is when those who were told of the beginning may hear of the end, ms UTC.
    """

    before: Open | None
    after: Episode | None
    seen: Seen | None
    rule: Rule | None
    reason: str = ""
    device: Device | None = None
    progress: Progress | None = None
    tellings: tuple[Telling, ...] = ()
    begin: int | None = None
