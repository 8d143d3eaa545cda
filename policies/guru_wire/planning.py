"""The parts of a plan that are saved, counted or applied. Times are ms UTC; fields only grow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Asked, Carried

Digest = str
MOST_DEVICES = 200_000                  # of one saved plan


class Impact(Carried):
    """How many devices of one customer, site or group a plan changes, and how many of them are offline."""

    by: Literal["customer", "site", "group"]
    name: str                           # of a site: customer/site
    devices: int
    offline: int


class ExactPlan(Asked):
    """What `guru apply` holds the server to. `devices` is device id to its old and its new bundle digest.

    `fleet` is the SHA-256 over every device, its place and the bundle that the target gives it: a device
    that came, went, moved or gets something else makes it another, and a fact that changes nothing does not.
    """

    format_version: str = "1.0"
    base: str | None
    target: str
    fleet: Digest
    outcome: Literal["published", "partly-held"]
    devices: dict[str, tuple[Digest | None, Digest]] = Field(default_factory=dict, max_length=MOST_DEVICES)


class RollbackRequest(Asked):
    """Back to a revision that was in force; without one to the newest good one before the present."""

    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    reason: str = Field(min_length=1, max_length=500)
