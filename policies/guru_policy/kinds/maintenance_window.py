"""A time in which alerts are quiet, or nothing is changed, on some devices. It knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration
from guru_policy.when import DEVICE_ZONE, Cron, DeviceTimezone, Moment

WEEK = 7 * 86_400


class MaintenanceWindow(Spec):
    """Opens by `cron`, or once at `start`, for `duration`."""

    selector: SelectorText = Field(default="", description="only devices that match")
    cron: Cron | None = Field(default=None, description="when it opens, again and again")
    start: Moment | None = Field(default=None, description="when it opens once, such as `2026-03-01T22:00`")
    duration: Annotated[PositiveDuration, Field(ge=60, le=WEEK)] = Field(
        description="how long it stays open, from 1m to 7d")
    timezone: DeviceTimezone = Field(
        default=DEVICE_ZONE, description="the zone of `cron` and `start`; `device` is that of the device's "
                                         "site, else of its customer")
    effects: tuple[Literal["suppress-alerts", "block-changes"], ...] = Field(
        default=("suppress-alerts",), min_length=1,
        description="`suppress-alerts`: alerts fire and nobody is told; `block-changes`: nothing is "
                    "changed while it is open")

    @model_validator(mode="after")
    def _opens_once_or_often(self) -> MaintenanceWindow:
        if (self.cron is None) == (self.start is None):
            raise wrong("give `cron` or `start`, and not both")
        if len(set(self.effects)) < len(self.effects):
            raise wrong("an effect stands twice", hint="name each once")
        return self
