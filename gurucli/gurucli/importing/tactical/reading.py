"""Saved answers of Tactical RMM's API to models: by the names of the files. It asks nobody.

A folder holds clients.json, policies.json, checks.json, tasks.json, scripts.json, alert_templates.json and
settings.json, or files a thing such as scripts/12.json and policies/3/checks.json. One file holds the same as members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pydantic import JsonValue, ValidationError

from guru_policy.errors import InputInvalid
from guru_policy.model import Carried
from gurucli.importing.drafts import Drafts
from gurucli.importing.foreign_files import ForeignFolder, read_bounded, strict_json
from gurucli.importing.suspecting import secret_name
from gurucli.importing.tactical.models import AlertTemplate, Check, Client, Policy, Script, Settings, Task

ModelT = TypeVar("ModelT", bound=Carried)
MAX_THINGS = 100_000
PARTS: Mapping[str, type[Carried]] = {
    "clients": Client, "policies": Policy, "checks": Check, "tasks": Task, "scripts": Script,
    "alert_templates": AlertTemplate, "settings": Settings,
}
IGNORED = ("users", "accounts", "agents", "roles", "sites", "snippets", "urlactions", "customfields", "keystore")
_WORD = re.compile(r"[a-z]+")
_OTHERS = {
    "templates": "alert_templates", "alerttemplates": "alert_templates", "autotasks": "tasks", "core": "settings",
}


class From(NamedTuple, Generic[ModelT]):
    """A thing, and where it was read."""

    source: str
    thing: ModelT


@dataclass
class Parts:
    """Everything that was read, each by its id. Of a script the one with a body counts."""

    clients: dict[int, From[Client]] = field(default_factory=dict)
    policies: dict[int, From[Policy]] = field(default_factory=dict)
    checks: dict[int, From[Check]] = field(default_factory=dict)
    tasks: dict[int, From[Task]] = field(default_factory=dict)
    scripts: dict[int, From[Script]] = field(default_factory=dict)
    alert_templates: dict[int, From[AlertTemplate]] = field(default_factory=dict)
    settings: From[Settings] | None = None


def read_parts(place: Path, drafts: Drafts) -> Parts:
    """The parts of a file or a folder; what is not understood is left in `drafts`.

    InputInvalid when nothing of it is an export.
    """
    parts = Parts()
    read = 0
    for part, source, value in _documents(place, drafts):
        rows = value if isinstance(value, list) else [value]
        for number, row in enumerate(rows):
            read += 1
            if read > MAX_THINGS:
                raise InputInvalid(f"{place} holds more than {MAX_THINGS:,} things")
            where = f"{source}[{number}]" if isinstance(value, list) else source
            _take(parts, part, where, row, drafts)
    if not (parts.clients or parts.policies or parts.scripts or parts.alert_templates):
        raise InputInvalid(f"{place} holds no clients, policies, scripts or alert templates of Tactical RMM",
                           hint="docs/importing.md says which answers of its API to save, and under which names")
    return parts


def _documents(place: Path, drafts: Drafts) -> Iterator[tuple[str, str, JsonValue]]:
    """Part, source and content of every document."""
    if not place.is_dir():
        whole = strict_json(read_bounded(place), str(place))
        if not isinstance(whole, dict):
            raise InputInvalid(f"{place} is no export", hint="one object with clients, policies, checks, ...")
        for name, value in whole.items():
            yield from _known(name, f"{place.name}: {name}", value, drafts)
        return
    folder = ForeignFolder(place)
    for path in folder.paths():
        if path.endswith(".json"):
            name = next((word for one in reversed(path.removesuffix(".json").split("/"))
                         if (word := "".join(_WORD.findall(one.lower()))) not in ("", "id")), "")
            yield from _known(name, path, strict_json(folder.read(path), path), drafts)
        else:
            drafts.leave(path, path, "not a saved answer of the API: its name does not end with .json")


def _known(name: str, source: str, value: JsonValue, drafts: Drafts) -> Iterator[tuple[str, str, JsonValue]]:
    word = "".join(_WORD.findall(name.lower()))
    part = _OTHERS.get(word, word)
    if part in PARTS:
        yield part, source, value
    elif word in IGNORED:
        count = len(value) if isinstance(value, list) else 1
        drafts.leave(source, f"{count} of {name}", "people, roles, agents and keys are not part of a fleet repository")
    else:
        drafts.leave(source, name or source, "no part of an export that is known here")


def _take(parts: Parts, part: str, source: str, row: JsonValue, drafts: Drafts) -> None:
    if part == "settings" and isinstance(row, dict):
        row = {**row, "secrets_there": [key for key, value in row.items() if value and secret_name(key)]}
    try:
        thing = PARTS[part].model_validate(row)
    except ValidationError as cause:
        first = cause.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        drafts.leave(source, _called(row), f"not understood: {where or 'it'}: {first['msg']}")
        return
    if isinstance(thing, Settings):
        parts.settings = From(source, thing)
        return
    known: dict[int, From[Carried]] = getattr(parts, part)
    ident = getattr(thing, "id")    # noqa: B009 - every other model has one
    if isinstance(thing, Script) and ident in known and thing.script_body is None:
        return
    known[ident] = From(source, thing)


def _called(row: JsonValue) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    return name if isinstance(name, str) else "a thing without a name"
