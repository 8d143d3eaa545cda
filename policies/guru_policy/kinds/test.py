"""What a device should be, and when people should be told: claims that can be tried. It tries nothing itself."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, model_validator

from guru_policy.inventory import Scalar
from guru_policy.kinds.base import LabelKey, Spec
from guru_policy.kinds.notification_channel import ADDRESS_PATTERN
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.quantities import LABEL_PATTERN, Duration, ItemId, PositiveDuration, shape, shown
from guru_policy.series import parse_series
from guru_policy.when import Moment, Timezone

ValuePath = Annotated[
    str, StringConstraints(
        pattern=r"^(agent|checks|resources|actions|categories|branding|windows)(\.[A-Za-z0-9_-]+)*$", max_length=500),
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

_CHANNEL, _ADDRESS = re.compile(LABEL_PATTERN), re.compile(ADDRESS_PATTERN)


def _receiver(text: str) -> str:
    if not (_ADDRESS if "@" in text else _CHANNEL).fullmatch(text):
        raise wrong(f"{shown(text)} is neither a channel's name nor an e-mail address")
    return text


def _names(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Receiver = Annotated[
    str, StringConstraints(min_length=1, max_length=254), AfterValidator(_receiver),
    shape("channel, or e-mail address"),
]
"""Who is told: the name of a NotificationChannel, or the address of a person."""

Names = Annotated[
    tuple[ItemId, ...], BeforeValidator(_names, json_schema_input_type=ItemId | tuple[ItemId, ...])
]
"""One name or a list of names."""

FactKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class Fixture(Spec):
    """A device that need not exist."""

    customer: ItemId = Field(description="the Customer it belongs to")
    site: ItemId = Field(description="the Site it stands in")
    name: ItemId = Field(default="test-device", description="its name; policies below devices/ apply by it")
    facts: dict[FactKey, Scalar] = Field(default_factory=dict, description="what its agent reports, without `fact/`")
    labels: dict[LabelKey, Scalar] = Field(
        default_factory=dict, description="labels of technicians, without `op/`")


class Acknowledgement(Spec):
    """Somebody takes an alert up at a time of the simulated clock."""

    at: Duration = Field(description="time since the start; the alert has to be firing then")
    alert: ItemId = Field(description="the AlertRule")
    check: ItemId | None = Field(default=None, description="of a rule over many checks: which")
    lasting: PositiveDuration | None = Field(
        default=None, alias="for", description="how long, as `guru alert ack --for`; absent: until it is over")


class Moments(Spec):
    """What is so at one time of the simulated clock, or from then on until another."""

    at: Duration = Field(description="time since the start")
    until: PositiveDuration | None = Field(
        default=None, description="all of it holds from `at` on and before this time since the start")
    alert: ItemId | None = Field(default=None, description="the AlertRule; only `blocked` needs none")
    check: ItemId | None = Field(default=None, description="of a rule over many checks: which")
    state: Literal["inactive", "pending", "firing", "resolved"] | None = Field(
        default=None, description="the state of the alert then")
    notified: tuple[Receiver, ...] | None = Field(
        default=None, description="everybody told of it up to then: NotificationChannels and e-mail addresses; `[]` "
                                  "says nobody")
    told: tuple[Receiver, ...] | None = Field(
        default=None, description="everybody who is told at this very moment, of its beginning or its end")
    acknowledged: bool | None = Field(default=None, description="whether somebody has taken it up")
    muted: Names | None = Field(
        default=None, description="the MaintenanceWindow that keeps it quiet, or several; `[]` says none")
    blocked: Names | None = Field(
        default=None, description="the MaintenanceWindow in which the device changes nothing, or several; `[]` says "
                                  "none")

    @property
    def of_alert(self) -> bool:
        """Whether something is claimed of an alert."""
        said = (self.state, self.notified, self.told, self.acknowledged, self.muted)
        return any(one is not None for one in said)

    @model_validator(mode="after")
    def _claims(self) -> Moments:
        if not self.of_alert and self.blocked is None:
            raise wrong("nothing is claimed",
                        hint="give `state`, `notified`, `told`, `acknowledged`, `muted` or `blocked`")
        if self.of_alert and self.alert is None:
            raise wrong("it is not said of which alert this is claimed", hint="name its rule: `alert: disk-full`")
        if self.alert is not None and not self.of_alert:
            raise wrong("`blocked` is about the device, and nothing is claimed of the alert",
                        hint="take `alert` out, or claim something of it")
        if self.until is not None and self.until <= self.at:
            raise wrong("`until` is not after `at`")
        if self.until is not None and self.told is not None:
            raise wrong("`told` is about one moment", hint="take `until` out, or claim `notified`")
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
    acknowledge: tuple[Acknowledgement, ...] = Field(
        default=(), max_length=100, description="when somebody takes an alert up, in the order of time")
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
        if not self.series and any(moment.of_alert for moment in self.timeline):
            raise wrong("a timeline of alerts needs `series`: without readings nothing happens")
        if self.acknowledge and not self.timeline:
            raise wrong("an alert is taken up, and nothing is claimed of it", hint="give `timeline`")
        for name, parts in (("timeline", self.timeline), ("acknowledge", self.acknowledge)):
            times = [one.at for one in parts]
            if times != sorted(times):
                raise wrong(f"the {name} is not in the order of time", hint="sort it by `at`")
        return self
