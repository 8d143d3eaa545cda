"""Words about machines that several kinds share: paths, names, argument lists. It holds types, no kind."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from guru_policy.model import wrong
from guru_policy.quantities import shape, shown

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
SHELL = "/bin/sh"
MAX_ARGUMENT = 64 << 10                 # characters of one argument


def read_path(value: str) -> str:
    """An absolute path without `.`, `..`, doubled slashes or control characters; never the root itself."""
    if _CONTROL.search(value) or _SURROGATE.search(value) or len(value) > 4000:
        raise wrong(f"{shown(value)} is not a path", hint="no control characters, at most 4000 characters")
    if not value.startswith("/"):
        raise wrong(f"{shown(value)} is not absolute", hint="begin it with /")
    if ".." in value.split("/"):
        raise wrong(f"{shown(value)} steps upwards", hint="write the path without `..`")
    plain = "/" + posixpath.normpath(value).lstrip("/")
    if plain != value:
        raise wrong(f"{shown(value)} is not in its shortest form", hint=f"write {shown(plain)}")
    if value == "/":
        raise wrong("the root of the machine cannot be managed")
    return value


def _look_path(value: str) -> str:
    return value if value == "/" else read_path(value)


def read_source(value: str) -> str:
    """A path inside the fleet repository: relative, no `..`."""
    if _CONTROL.search(value) or _SURROGATE.search(value) or not value or len(value) > 1000:
        raise wrong(f"{shown(value)} is not a path in the fleet repository")
    inside = not value.startswith("/") and ".." not in value.split("/") and value != "."
    if not inside or posixpath.normpath(value) != value:
        raise wrong(f"{shown(value)} is not inside the fleet repository", hint="write it like files/motd")
    return value


def _argument(value: str) -> str:
    if "\0" in value or _SURROGATE.search(value):
        raise wrong("an argument cannot hold a NUL byte or half a character")
    return value


def _one_line(value: str) -> str:
    if _CONTROL.search(value.replace("\t", " ")) or _SURROGATE.search(value):
        raise wrong(f"{shown(value)} is not one line of text")
    return value


def _command(value: object) -> object:
    return (SHELL, "-c", value) if isinstance(value, str) else value


PathName = Annotated[str, AfterValidator(read_path), shape("path")]
"""An absolute, normalised path."""

LookPath = Annotated[str, AfterValidator(_look_path), shape("path")]
"""A PathName or the root itself, for kinds that only look."""

SourcePath = Annotated[str, AfterValidator(read_source), shape("file of the repository")]
"""A file in the fleet repository."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}\z")]
"""A user or group by name (useradd(8))."""

UnitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}\z")]
"""A systemd unit (systemd.unit(5)); a name without a suffix is a service."""

EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\z")]
Text = Annotated[str, AfterValidator(_argument), StringConstraints(max_length=MAX_ARGUMENT)]
Line = Annotated[str, AfterValidator(_one_line), StringConstraints(max_length=4000)]
Argv = Annotated[tuple[Text, ...], Field(strict=False, min_length=1, max_length=256)]
"""A program and its arguments; no shell reads them."""

ArgvOrShell = Annotated[Argv, BeforeValidator(_command, json_schema_input_type=Argv | Text)]
"""A list is an argv; one string is run by `/bin/sh -c`."""

Environment = dict[EnvName, Text]
