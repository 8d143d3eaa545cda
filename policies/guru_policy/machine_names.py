"""Types for paths, users, units and packages as a machine names them. No look at any machine."""

from __future__ import annotations

import posixpath
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from guru_policy.model import wrong

MAX_PATH = 4096                         # PATH_MAX of Linux


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise wrong(f"{path!r} is not an absolute path", hint="begin it with /")
    plain = posixpath.normpath("/" + path.strip("/"))
    if path != plain:
        raise wrong(f"{path!r} is not in its plain form", hint=f"write {plain}")
    return _printable(path)


def _relative(path: str) -> str:
    if path.startswith("/") or posixpath.normpath(path) != path or path.split("/")[0] in ("..", ".git", "."):
        raise wrong(f"{path!r} is not a path inside the fleet repository", hint="write it as files/motd")
    return _printable(path)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise wrong("it has a control character", hint="take it out")
    return text


MachinePath = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH), AfterValidator(_absolute)]
"""An absolute path without `..`, doubled or trailing slashes."""

RepositoryPath = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_relative)]
"""A path of a file in the fleet repository, from its root."""

OneLine = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_printable)]
"""Text without control characters."""

UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
"""A user or group name as useradd(8) takes it."""

UnitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.\\@-]{1,255}$")]
"""A systemd unit name (systemd.unit(5)); without a suffix it is a service."""

PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]{1,99}(:[a-z0-9]+)?$")]
"""A Debian package name, with an architecture if need be (Debian Policy 5.6.1)."""

PackageVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+~:-]{1,100}$")]
"""A Debian version (Debian Policy 5.6.12)."""

Program = tuple[OneLine, ...]
"""A program and its arguments; no shell reads them."""
