"""A value in the Windows registry, or its absence. Looks and plans; never touches the machine.

`reg query KEY /v NAME` prints `    NAME    REG_DWORD    0x1` and exits with 1 when there is no such key or value
(Microsoft's page of reg query).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import Line
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, change_system

_HIVES = {"HKEY_LOCAL_MACHINE": "HKLM", "HKEY_USERS": "HKU", "HKEY_CLASSES_ROOT": "HKCR"}
_ROW = re.compile(r" {4}(?P<name>.+?) {4}(?P<type>REG_[A-Z_]+)(?: {4}(?P<data>.*))?\r?")


def _key(value: str) -> str:
    hive, mark, rest = value.partition("\\")
    hive = _HIVES.get(hive.upper(), hive.upper())
    if hive not in _HIVES.values():
        raise wrong(f"{shown(value)} begins with no hive", hint="HKLM, HKU or HKCR; the agent has no HKCU of people's")
    if not mark or not all(rest.split("\\")) or '"' in value or "/" in value:
        raise wrong(f"{shown(value)} is not a key", hint=r"such as HKLM\SOFTWARE\Example")
    return f"{hive}\\{rest}"


def _name(value: str) -> str:
    if not value or value.startswith("/") or '"' in value or "\\" in value:
        raise wrong(f"{shown(value)} is not the name of a value")
    return value


def _one_string(value: str) -> str:
    if "\\0" in value or value.endswith("\\"):
        raise wrong(f"{shown(value)} is read otherwise by reg.exe", hint="no \\0 in it and no \\ at its end")
    return value


Key = Annotated[Line, StringConstraints(max_length=500), AfterValidator(_key)]
ValueName = Annotated[Line, StringConstraints(max_length=255), AfterValidator(_name)]
Data = Annotated[Line, AfterValidator(_one_string)]


class ValueState(NamedTuple):
    """Type and data as reg.exe prints them; None when there is no such value."""

    type: str | None
    data: str = ""


class RegistryValue(Resource[ValueState]):
    """Keep one value of the registry. Other values of its key are left alone."""

    platforms = frozenset({"windows"})

    kind: Literal["registry_value"] = "registry_value"
    key: Key
    name: ValueName
    type: Literal["string", "expand", "dword", "qword"] = "string"
    value: Data | int | None = None
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _of_its_type(self) -> RegistryValue:
        if self.ensure == "absent":
            return self
        if self.value is None:
            raise wrong("a value needs its `value`")
        number = self.type in ("dword", "qword")
        if number != (isinstance(self.value, int) and not isinstance(self.value, bool)):
            raise wrong(f"a {self.type} is {'a whole number' if number else 'text'}")
        if isinstance(self.value, int) and not 0 <= self.value < 1 << (32 if self.type == "dword" else 64):
            raise wrong(f"{self.value} does not fit a {self.type}")
        return self

    async def probe(self, host: Host) -> ValueState:
        done = await host.run(("reg.exe", "query", self.key, "/v", self.name))
        if done.exit_code == 1:
            return ValueState(None)
        for line in done.stdout.splitlines():
            row = _ROW.fullmatch(line)
            if row is not None and row["name"].lower() == self.name.lower():
                return ValueState(row["type"], row["data"] or "")
        raise CannotLook("reg.exe answers in a form that cannot be read")

    def plan(self, now: ValueState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.type is not None:
                yield change_system("reg.exe", "delete", self.key, "/v", self.name, "/f")
            return
        kind = {"string": "REG_SZ", "expand": "REG_EXPAND_SZ", "dword": "REG_DWORD", "qword": "REG_QWORD"}[self.type]
        printed = hex(self.value) if isinstance(self.value, int) else self.value
        if (now.type, now.data) != (kind, printed):
            yield change_system(
                "reg.exe", "add", self.key, "/v", self.name, "/t", kind, "/d", str(self.value), "/f"
            )
