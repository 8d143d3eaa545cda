"""What a device should be, and when people should be told: claims that can be tried. It tries nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from guru_policy.inventory import Scalar
from guru_policy.kinds.base import LabelKey, Spec
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.quantities import Duration, ItemId, PositiveDuration, shape, shown
from guru_policy.series import parse_series
from guru_policy.when import Moment, Timezone

ValuePath = Annotated[
    str, StringConstraints(
        pattern=r"^(agent|checks|resources|actions|categories|branding)(\.[A-Za-z0-9_-]+)*$", max_length=500),
    shape("path of a value"),
]
"""A path into what a device gets, as `guru explain DEVICE` takes it."""


def _series(text: str) -> str:
    parse_series(text)
    return text


SeriesText = Annotated[
    str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_series), shape("series"),
]
"""Readings of one check (`guru_policy.series`), such as `ok*5 critical:97*30`."""

FactKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class Fixture(Spec):
    """A device that need not exist."""

    customer: ItemId = Field(description="the Customer it belongs to")
    site: ItemId = Field(description="the Site it stands in")
    name: ItemId = Field(default="test-device", description="its name; policies below devices/ apply by it")
    facts: dict[FactKey, Scalar] = Field(default_factory=dict, description="what its agent reports, without `fact/`")
    labels: dict[LabelKey, Scalar] = Field(
        default_factory=dict, description="labels of technicians, without `op/`")


class Moments(Spec):
    """What is so at one time of the simulated clock."""

    at: Duration = Field(description="time since the start")
    alert: ItemId = Field(description="the AlertRule")
    check: ItemId | None = Field(default=None, description="of a rule over many checks: which")
    state: Literal["inactive", "pending", "firing", "resolved"] | None = Field(
        default=None, description="the state of the alert then")
    notified: tuple[ItemId, ...] | None = Field(
        default=None, description="the NotificationChannels told up to then, all of them; `[]` says nobody")
    muted: ItemId | None = Field(default=None, description="the MaintenanceWindow that keeps it quiet")

    @model_validator(mode="after")
    def _claims(self) -> Moments:
        if self.state is None and self.notified is None and self.muted is None:
            raise wrong("nothing is claimed", hint="give `state`, `notified` or `muted`")
        return self


class Test(Spec):
    """A device, its effective values, and a timeline of alerts over readings of its checks."""

    __test__ = False                    # pytest takes classes of this name for its own

    description: Line | None = Field(default=None, description="what it shows, in one line")
    device: Fixture = Field(description="the device it is about")
    expect: dict[ValuePath, JsonValue] = Field(
        default_factory=dict, max_length=1000,
        description="by path: the value the device gets, as `guru explain` shows it")
    absent: tuple[ValuePath, ...] = Field(default=(), max_length=1000, description="paths at which it gets nothing")
    refused: Line | None = Field(
        default=None, description="the device must not compile, and a fault's message must hold this text")
    start: Moment = Field(default="2026-01-05T09:00", description="the simulated clock's start")
    timezone: Timezone = Field(default="UTC", description="the zone of `start`")
    every: PositiveDuration = Field(default=60, description="time between two readings of a series")
    series: dict[ItemId, SeriesText] = Field(
        default_factory=dict, max_length=100,
        description="by check: its readings, `STATE[:VALUE][*TIMES]` or `_` for none, such as `ok*5 critical:97*30`")
    timeline: tuple[Moments, ...] = Field(
        default=(), max_length=1000, description="what is so at which time, in the order of time")

    @model_validator(mode="after")
    def _claims_something(self) -> Test:
        if not self.expect and not self.absent and not self.timeline and self.refused is None:
            raise wrong("nothing is claimed: the test could never fail",
                        hint="give `expect`, `absent`, `refused` or `timeline`")
        if self.refused is not None and (self.expect or self.absent or self.timeline):
            raise wrong("a device that must be refused has no values", hint="write a test of its own for them")
        both = sorted(set(self.absent) & self.expect.keys())
        if both:
            raise wrong(f"{shown(both[0])} is expected and absent", hint="take one out")
        if self.timeline and not self.series:
            raise wrong("a timeline needs `series`: without readings nothing happens")
        times = [moment.at for moment in self.timeline]
        if times != sorted(times):
            raise wrong("the timeline is not in the order of time", hint="sort it by `at`")
        return self
