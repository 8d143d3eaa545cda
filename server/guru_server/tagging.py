"""Entity tags: what they are made of and how they are compared (RFC 9110, 8.8.3 and 13.1). Pure."""

from __future__ import annotations

import hashlib

from guru_policy.errors import Conflict


class Changed(Conflict):
    """It is no longer what the If-Match was made from. Answered with 412."""


def tag_of(body: bytes) -> str:
    """A strong tag for exactly these bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(header: str, tag: str) -> bool:
    """Whether If-None-Match or If-Match names the tag; `*` names every one."""
    named = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag.removeprefix("W/") in named or "*" in named
