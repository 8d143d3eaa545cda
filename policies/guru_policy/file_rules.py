"""Which files of a device somebody may look at, judged alike by the server and by the agent. Pure; it opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints

from guru_policy.errors import InputInvalid
from guru_policy.model import wrong
from guru_policy.path_pattern import checked, covers
from guru_policy.quantities import shown

LONGEST = 4096                          # bytes of a path, PATH_MAX
ANYTHING = "/**"


def _pattern(text: str) -> str:
    if not text.startswith("/"):
        raise wrong(f"{shown(text)} is no pattern over a device's files", hint="write it as /var/log/** or /etc/*.conf")
    checked(text[1:])
    return text


FilePattern = Annotated[str, StringConstraints(min_length=2, max_length=200), AfterValidator(_pattern)]
"""`*` is anything within one name, `**` any number of folders; from the root of the device."""


class FileRules(NamedTuple):
    """Patterns that allow and that deny; deny wins, and what none allows is refused."""

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()

    def permit(self, path: str) -> bool:
        """Whether a path in its plain form is allowed; a folder's ends with a slash."""
        return not matches(self.deny, path) and matches(self.allow, path)


def matches(patterns: Iterable[str], path: str) -> bool:
    """Whether one of the patterns covers the path. A folder is covered by its own name and by what covers all in it."""
    plain = [pattern[1:] for pattern in patterns]
    ways = (path[1:], path[1:-1]) if path.endswith("/") and path != "/" else (path[1:],)
    return any(covers(plain, way) for way in ways)


def plain_path(path: str) -> str:
    """The path without doubled slashes and dots, a slash at its end kept. InputInvalid for one that is not from the
    root, steps upwards or is too long."""
    parts = path.split("/")
    if not path.startswith("/") or ".." in parts or "\0" in path or len(path.encode(errors="replace")) > LONGEST:
        raise InputInvalid(f"{shown(path)} is no path of a device", hint="from the root, such as /var/log/syslog")
    kept = "/".join(part for part in parts if part not in ("", "."))
    return f"/{kept}/" if path.endswith("/") and kept else f"/{kept}"
