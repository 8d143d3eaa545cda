"""Commands that packages add by the entry points `guru.commands`. Names are read; a module only when it is asked for.

A package that is broken spoils its own command, and no other.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from guru_policy.errors import GuruError
from gurucli.catalogue import Verb, below
from gurucli.clean import clean
from gurucli.plugin_programs import OURS, is_word

if TYPE_CHECKING:
    from gurucli.command import GuruCommand

GROUP = "guru.commands"
MOST = 64 << 10                         # bytes of a list of entry points
WIDEST = 100                            # letters of a summary


def installed() -> dict[str, Verb]:
    """The added commands by their word, sorted. The summary is the one line that the package says of itself."""
    if not any(_mentioned(folder) for folder in sys.path):
        return {}                       # importing importlib.metadata costs every help 20 ms
    from importlib.metadata import distributions

    found: dict[str, Verb] = {}
    for package in distributions():
        try:
            words = {point.name: point.value for point in package.entry_points if point.group == GROUP}
            said = clean(str(package.metadata.json.get("summary", "")))[:WIDEST] if words else ""
        except Exception:  # noqa: BLE001, S112 - a package that cannot be read adds nothing
            continue
        for word, module in words.items():
            if is_word(word) and word not in OURS and word not in below(()):
                found.setdefault(word, Verb((word,), module, said))
    return dict(sorted(found.items()))


def opened(verb: Verb) -> tuple[ModuleType, GuruCommand]:
    """The module of an added command, and the command. GuruError with the reason when it cannot be used."""
    from gurucli import command as commands

    try:
        module = commands.load(verb)
        command = commands.build(verb, module)
    except (Exception, SystemExit) as cause:            # what others wrote may fail in any way
        where = clean(f"{type(cause).__name__}: {cause}")
        raise GuruError(f"the plugin {verb.path[0]} cannot be used: {where}",
                        hint="the package that it came with must be mended or removed") from cause
    if not command.examples:
        raise GuruError(f"the plugin {verb.path[0]} cannot be used: {verb.module} has no EXAMPLES")
    return module, command


def _mentioned(folder: str) -> bool:
    """Whether some package in a folder of sys.path has such entry points, without parsing any."""
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return False
    return any(GROUP.encode() in _read(f"{name}/entry_points.txt") for name in names)


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as reading:       # noqa: PTH123 - there are a hundred of them
            return reading.read(MOST)
    except OSError:
        return b""
