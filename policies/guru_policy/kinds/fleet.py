"""The repository itself: how much one commit may delete, and who may sign. It says nothing about any device."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from guru_policy.commit_signing import Signing
from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.quantities import Percent


class MaxDelete(Spec):
    """A commit that deletes more objects than `count`, or more than `percent` of them, is refused."""

    count: Annotated[int, Field(ge=0)] = 10
    percent: Percent = 20.0


class Limits(Spec):
    """What one commit may do at most."""

    max_delete: MaxDelete = MaxDelete()


class FleetSpec(Spec):
    """The one Fleet object, in a file at the root of the repository."""

    display_name: DisplayName | None = None
    limits: Limits = Limits()
    signing: Signing = Signing()
