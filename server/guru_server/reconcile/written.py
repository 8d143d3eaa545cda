"""Where the objects of a fleet and their fields are written, as `file:line`. Pure, and it opens no file."""

from __future__ import annotations

from collections.abc import Mapping

from guru_policy.fleet import Fleet
from guru_policy.objects.object import Object


def places(fleet: Fleet | None) -> Mapping[tuple[str, str, str], Object]:
    """The objects by kind, folder and name, as changes name them."""
    return {(key.kind, str(key.scope), key.name): item for key, item in (fleet.objects if fleet else {}).items()}


def place_of(item: Object | None, path: str) -> str:
    """`file:line` of a field of an object, or of the deepest part of it that is written."""
    if item is None:
        return ""
    steps = path.split(".")
    origin = item.place(*steps[1:]) if steps[0] == "spec" else item.origin
    return f"{origin.path}:{origin.line}" if origin.line else origin.path
