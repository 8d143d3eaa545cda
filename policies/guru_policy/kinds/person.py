"""Somebody who works for the MSP: the groups they are in. A password is never in a repository."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from guru_policy.kinds.base import DisplayName, Spec
from guru_policy.quantities import shape

GroupName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"), shape("group of people"),
]


class Person(Spec):
    """The object's name is theirs: `user:<name>` in Bindings."""

    display_name: DisplayName = Field(default="", description="what others read")
    email: Annotated[str, StringConstraints(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = Field(
        default="", description="where notes go; by it an IdentityProvider finds them")
    groups: tuple[GroupName, ...] = Field(
        default=(), max_length=100, description="`group:<name>` in Bindings means all users who are in it")
    disabled: bool = Field(default=False, description="signs in no more, and what is signed in ends at once")
