"""Devices of any customer that share policies. It selects by what a device is, never by other groups."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from guru_policy.kinds.base import DisplayName, SelectorText, Spec
from guru_policy.model import wrong
from guru_policy.selector import parse


class DeviceGroup(Spec):
    """Policies in the group's folder apply to what `selector` matches; the higher priority wins."""

    display_name: DisplayName | None = Field(default=None, description="a name for people")
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        description="among the groups of a device the higher one wins; two of equal priority that say different "
                    "things are a fault")
    selector: SelectorText = Field(description="which devices; it cannot name other groups")

    @field_validator("selector")
    @classmethod
    def _never_by_group(cls, text: str) -> str:
        if "group" in parse(text).keys:
            raise wrong("a group cannot select by `group`", hint="select by labels, customer, site or name")
        return text
