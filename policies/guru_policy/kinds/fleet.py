"""The repository itself: how much one commit may delete, and who may sign. It says nothing about any device."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from guru_policy.admitting import Enrolment
from guru_policy.commit_signing import Signing
from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.quantities import Duration, Percent


class MaxDelete(Spec):
    """A commit that deletes more objects than `count`, or more than `percent` of them, is refused."""

    count: Annotated[int, Field(ge=0)] = Field(default=10, description="objects that one commit may delete")
    percent: Percent = Field(default=20.0, description="the share of all objects that one commit may delete")


MAX_OVERRIDE = 30 * 86_400              # seconds


class Limits(Spec):
    """What one commit, and what one person, may do at most."""

    max_delete: MaxDelete = Field(default=MaxDelete(), description="`count` and `percent` of all objects")
    max_override: Annotated[Duration, Field(le=MAX_OVERRIDE)] = Field(
        default=MAX_OVERRIDE, description="how long an override may be in force, 30 days at most; `0s`: there are none")


class FleetSpec(Spec):
    """The one Fleet object, in a file at the root of the repository."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    limits: Limits = Field(default=Limits(), description="what one commit and one override may do at most")
    signing: Signing = Field(
        default=Signing(), description="who may sign commits, and which paths each signer may change")
    enrolment: Enrolment | None = Field(default=None, description="how devices join, of whatever customer")
