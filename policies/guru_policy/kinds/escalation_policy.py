"""Whom to tell, in which order, while nobody takes an alert up. It names channels, and tells nobody itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from guru_policy.kinds.alert_rule import Severity
from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.kinds.notification_channel import Address
from guru_policy.model import wrong
from guru_policy.quantities import Duration, ItemId, PositiveDuration, shown
from guru_policy.when import Repeats


class EscalationStep(Spec):
    """Tells these channels and people, `after` so long since the alert fired."""

    after: Duration = Field(description="how long after the alert fired; every step has a time of its own")
    notify: tuple[ItemId, ...] = Field(default=(), description="NotificationChannels, up the scope chain")
    people: Annotated[tuple[Address, ...], Field(max_length=50)] = Field(
        default=(), description="e-mail addresses of people to tell directly")
    unless_acknowledged: bool = Field(
        default=True, description="do nothing once somebody took the alert up")

    @model_validator(mode="after")
    def _tells_somebody(self) -> EscalationStep:
        if not self.notify and not self.people:
            raise wrong("the step tells nobody", hint="give `notify` or `people`")
        return self


class EscalationRepeat(Spec):
    """Begin again from the first step."""

    every: PositiveDuration = Field(description="time between the last step and the next round")
    times: Repeats = Field(default=3, description="rounds after the first")


class EscalationPolicy(Spec):
    """Steps in the order of their times, for the alerts that match."""

    selector: SelectorText = Field(default="", description="only alerts of devices that match")
    severities: tuple[Severity, ...] = Field(
        default=("high", "critical"), min_length=1, description="only alerts of these severities")
    steps: dict[ItemId, EscalationStep] = Field(
        min_length=1, max_length=20, description="by id; carried out in the order of `after`")
    repeat: EscalationRepeat | None = Field(default=None, description="begin again while it still fires")

    @model_validator(mode="after")
    def _one_at_a_time(self) -> EscalationPolicy:
        seen: dict[int, str] = {}
        for name, step in self.steps.items():
            other = seen.setdefault(step.after, name)
            if other != name:
                raise wrong(f"steps {shown(other)} and {shown(name)} come after the same time",
                            hint="put what they tell into one step")
        return self
