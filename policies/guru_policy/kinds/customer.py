"""A customer of the MSP; its name is its folder's. It holds no device."""

from __future__ import annotations

from pydantic import Field

from guru_policy.admitting import Enrolment
from guru_policy.bundle import Mode
from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.when import Timezone


class Customer(Spec):
    """`mode: observe` makes every resource of the customer's devices report and change nothing."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    timezone: Timezone = Field(default="UTC", description="a name of the IANA time zone database")
    mode: Mode | None = Field(
        default=None, description="`observe`: its devices report what they would change and change nothing; "
                                  "absent: `enforce`")
    enrolment: Enrolment | None = Field(default=None, description="how its devices join")
