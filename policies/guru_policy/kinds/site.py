"""A customer's site; its name is its folder's. It holds no device."""

from __future__ import annotations

from pydantic import Field

from guru_policy.admitting import Enrolment
from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.when import Timezone


class Site(Spec):
    """A place with devices; without a timezone it has its customer's."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    timezone: Timezone | None = Field(
        default=None, description="a name of the IANA time zone database; absent: the customer's")
    enrolment: Enrolment | None = Field(default=None, description="how devices join here")
