"""Overrides: values that people put in the place of what Git says, for a while. Times are ms UTC; fields only grow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from guru_policy.model import Asked, Carried

SHORTEST, LONGEST = 10, 30 * 86_400     # seconds that an override may be in force
MOST_PATHS = 20                         # of one deed


class OverrideRequest(Asked):
    """Values by path, for every device that the selector matches: on all of them, or on none.

    `{"$remove": true}` as a value takes away. `ttl` is in seconds.
    """

    selector: str = Field(max_length=2000)
    values: dict[str, JsonValue] = Field(min_length=1, max_length=MOST_PATHS)
    ttl: int = Field(ge=SHORTEST, le=LONGEST)
    reason: str = Field(min_length=1, max_length=200)
    max_devices: int = Field(default=1, ge=1)


class OverrideRow(Carried):
    """One path of one device. `id` names the deed, which may concern more paths and devices.

    With `ended_at` it is over: its time came, somebody removed it, or another took its place. `unfit` says why
    the device goes without it although its time is not over.
    """

    id: str
    device: str
    name: str
    customer: str
    site: str
    path: str
    value: JsonValue
    actor: str
    reason: str
    set_at: int
    expires_at: int
    ended_at: int | None = None
    ending: Literal["", "expired", "removed", "replaced"] = ""
    unfit: str = ""
