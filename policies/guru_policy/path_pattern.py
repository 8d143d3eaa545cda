"""Patterns over repository paths, as `customers/acme/**`. Pure text; they never touch a file system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from guru_policy.model import wrong
from guru_policy.quantities import shown

EVERYTHING = "**"
_MOST_DEEP = 3                          # each `**` multiplies what a match may cost
_WRITTEN = re.compile(r"[A-Za-z0-9._*/@+-]+")


def checked(text: str) -> str:
    """The text when it is a pattern."""
    if not _WRITTEN.fullmatch(text) or text.startswith("/") or ".." in text.split("/"):
        raise wrong(f"{shown(text)} is no pattern over paths", hint="write it as customers/acme/** or org/*.yaml")
    if any("**" in part and part != "**" for part in text.split("/")):
        raise wrong(f"{shown(text)} is no pattern over paths", hint="** stands alone between slashes")
    if text.split("/").count("**") > _MOST_DEEP:
        raise wrong(f"{shown(text)} has more than {_MOST_DEEP} parts that are **", hint="write several patterns")
    return text


PathPattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(checked)]
"""`*` is anything within one name, `**` any number of folders; from the root of the repository."""


def covers(patterns: Iterable[str], path: str) -> bool:
    """Whether one of the patterns matches the whole path."""
    return any(pattern == EVERYTHING or _compiled(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.split("/")
    text = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            text += ".*" if last else "(?:[^/]+/)*"
        else:
            text += _name(part.split("*")) + ("" if last else "/")
    return re.compile(text, re.DOTALL)


def _name(words: list[str]) -> str:
    """Of one name between slashes. A word in the middle is found once and for all, so that stars do not multiply."""
    first, *others = map(re.escape, words)
    if not others:
        return first
    return first + "".join(f"(?>[^/]*?{word})" for word in others[:-1]) + f"[^/]*{others[-1]}"
