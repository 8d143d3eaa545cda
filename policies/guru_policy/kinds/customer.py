"""A customer of the MSP; its name is its folder's. It holds no device."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from guru_policy.bundle import Mode
from guru_policy.kinds.base import DisplayName, Spec

Timezone = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", max_length=64)
]
"""A name from the IANA time zone database, such as Europe/Madrid."""


class Customer(Spec):
    """`mode: observe` makes every resource of the customer's devices report and change nothing."""

    display_name: DisplayName | None = None
    timezone: Timezone = "UTC"
    mode: Mode | None = None
