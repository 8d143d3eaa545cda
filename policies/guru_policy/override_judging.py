"""Whether an override may be set on a device: its path, its value, and what enforces it. Pure; it keeps nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import orjson
from pydantic import JsonValue

from guru_policy.compiling import Compiler
from guru_policy.errors import Conflict, InputInvalid, Refused
from guru_policy.faults import Fault
from guru_policy.inventory import Device, Override
from guru_policy.merged import Table, find
from guru_policy.objects.markers import REMOVE, unmarked
from guru_policy.overriding import MODE, ROOTS, node_of, overlap
from guru_policy.quantities import shown
from guru_policy.text.plaintext_secrets import plaintext_secrets
from guru_policy.text.suggesting import did_you_mean

MOST = 20                               # overrides in force on one device
MAX_VALUE = 4096                        # bytes of a value as JSON
MAX_DEPTH = 16
MODES = ("observe", "enforce")
_STEPS = re.compile(r"[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,15}")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
MAX_PATH = 200


def require_sensible(path: str, value: JsonValue) -> None:
    """InputInvalid for a path that none can be, and for a value that no policy could hold."""
    steps = path.split(".")
    if path != MODE and (not _STEPS.fullmatch(path) or len(path) > MAX_PATH or steps[0] not in ROOTS):
        hint = did_you_mean(steps[0], (*ROOTS, MODE)) or "such as checks.disk.warning, agent.heartbeat or mode"
        raise InputInvalid(f"{shown(path)} is no path that can be overridden", hint=hint)
    if path != MODE and len(steps) < 2:
        raise InputInvalid(f"{path} is too much for one override", hint=f"name one of them, as in {path}.ID")
    if path == MODE and value not in MODES:
        raise InputInvalid(f"mode: {shown(value)} is not allowed", hint="observe or enforce")
    if path != MODE and steps[0] != "agent" and len(steps) == 2 and not isinstance(value, dict):
        raise InputInvalid(f"{path}: must be a map, not {shown(value)}", hint=f"name a field, as in {path}.every")
    _require_plain(path, value, 0)
    try:
        size = len(orjson.dumps(value))
    except (TypeError, ValueError) as cause:
        raise InputInvalid(f"{path}: the value holds a number that JSON and 64 bits cannot") from cause
    if size > MAX_VALUE:
        raise InputInvalid(f"{path}: the value has {size:,} bytes; an override may have {MAX_VALUE:,}",
                           hint="commit it instead")
    faults: list[Fault] = []
    wrapped = node_of({"value": value})
    unmarked(wrapped, "", faults)
    if faults:
        raise InputInvalid(f"{path}: {faults[0].message}", hint=faults[0].hint)
    _refuse_secrets(path, value)


def require_fit(compiler: Compiler, device: Device, override: Override) -> None:
    """Raise unless the override, which makes sense, can come into force on the device beside those it has.

    Conflict when it is part of another one, or the other way round; InputInvalid when nothing is there to override
    or the kind does not take the value; Refused when a policy enforces what it would change.
    """
    others = tuple(one for one in device.overrides if one.path != override.path)
    if len(others) >= MOST:
        raise InputInvalid(f"{device.name} has {MOST} overrides", hint="end some of them: `guru override rm`")
    for one in others:
        if MODE not in (one.path, override.path) and overlap(one.path, override.path):
            inner, outer = sorted((one.path, override.path), key=len, reverse=True)
            raise Conflict(
                f"{device.name} has an override of {one.path} already, and {inner} is part of {outer}",
                hint=f"end that one first: guru override rm {one.id}",
            )
    _require_there(compiler.resolve(replace(device, overrides=())).table, device, override)
    tried = replace(device, overrides=tuple(sorted((*others, override), key=lambda one: one.path)))
    unfit = next((one for one in compiler.unfit(tried) if one.path == override.path), None)
    if unfit is None:
        return
    message = f"{device.name}: {unfit.why}"
    if unfit.locked:
        raise Refused(message, hint="what is enforced changes by a commit only")
    raise InputInvalid(message, hint=unfit.fault.hint)


def _require_there(table: Table, device: Device, override: Override) -> None:
    """What is overridden exists, unless a whole check or resource is added."""
    steps = override.path.split(".")
    if override.path == MODE or find(table, steps) is not None:
        return
    removing = isinstance(override.value, dict) and REMOVE in override.value
    if removing:
        raise InputInvalid(f"{device.name} has no {override.path}: there is nothing to remove")
    if steps[0] == "agent" or find(table, steps[:2]) is not None:
        return                          # a field that nobody sets: the kind's model judges it
    if len(steps) == 2 and isinstance(override.value, dict) and "kind" in override.value:
        return
    part = find(table, steps[:1])
    names = [name for name, entry in part.entries.items() if entry.live] if isinstance(part, Table) else []
    noun = steps[0].removesuffix("s")
    hint = did_you_mean(steps[1], names) if names else ""
    raise InputInvalid(f"{device.name} has no {noun} {shown(steps[1])}",
                       hint=hint or f"`guru explain {device.name} {steps[0]}` shows them")


def _require_plain(path: str, value: JsonValue, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputInvalid(f"{path}: the value is nested more than {MAX_DEPTH} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputInvalid(f"{path}: infinity and not-a-number are not values here")
    if isinstance(value, str) and _CONTROLS.search(value):
        raise InputInvalid(f"{path}: the value holds control characters", hint="remove them")
    if isinstance(value, dict):
        for key, entry in value.items():
            if not key or _CONTROLS.search(key):
                raise InputInvalid(f"{path}: a key is empty or holds control characters")
            _require_plain(path, entry, depth + 1)
    elif isinstance(value, list):
        for entry in value:
            _require_plain(path, entry, depth + 1)


def _refuse_secrets(path: str, value: JsonValue) -> None:
    for name, text in _texts(path.rpartition(".")[2], value):
        line = f"{name}: {orjson.dumps(text).decode()}\n".encode()
        for found in (*plaintext_secrets(line, named=True), *plaintext_secrets(text.encode(), named=False)):
            raise InputInvalid(
                f"{path}: the value looks like {found.what}",
                hint="whoever looks at overrides would read it; keep it where secrets are kept",
            )


def _texts(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _texts(key, entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(name, entry)
