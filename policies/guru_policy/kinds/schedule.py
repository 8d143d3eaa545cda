"""When a command template runs by itself, and where. It starts nothing and knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.kinds.command_template import ParameterName
from guru_policy.quantities import Duration, ItemId
from guru_policy.when import DEVICE_ZONE, Cron, DeviceTimezone

ParameterValue = Annotated[str, StringConstraints(max_length=4000)] | int | bool


class Schedule(Spec):
    """Runs `template` by `cron` on the devices that match."""

    cron: Cron = Field(description="when it runs")
    timezone: DeviceTimezone = Field(
        default=DEVICE_ZONE, description="the zone of `cron`; `device` is that of the device's site, else of "
                                         "its customer")
    jitter: Annotated[Duration, Field(le=86_400)] = Field(
        default=0, description="each device waits its own part of this, always the same")
    missed: Literal["skip", "once"] = Field(
        default="skip", description="what a device does that was off: nothing, or one run when it is back")
    template: ItemId = Field(description="the CommandTemplate, up the scope chain")
    params: dict[ParameterName, ParameterValue] = Field(
        default_factory=dict, description="values of the template's parameters; of a secret, the name of a Secret")
    selector: SelectorText = Field(default="", description="only devices that match")
