"""A customer's site; its name is its folder's. It holds no device."""

from __future__ import annotations

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.kinds.customer import Timezone


class Site(Spec):
    """A place with devices; without a timezone it has its customer's."""

    display_name: DisplayName | None = None
    timezone: Timezone | None = None
