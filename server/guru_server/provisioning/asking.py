"""What a provider asks, and what it is told, as far as HTTP is of interest. It imports nothing of SCIM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Deed = Literal[
    "config", "described", "described-one", "not-served",
    "people", "new-person", "person", "change-person", "remove-person",
    "groups", "new-group", "group", "change-group", "remove-group",
]


class Ask(NamedTuple):
    """A request. `base` is where SCIM is as the provider knows it, `match` an If-Match; None: it has none."""

    base: str
    method: str
    what: str                           # the path's first part, such as Users
    ident: str
    query: Mapping[str, str]
    body: bytes
    match: str | None


class Told(NamedTuple):
    """An answer: JSON, with the version and the place of what it is about."""

    text: str
    status: int = 200
    version: str = ""
    place: str = ""
