"""The claims of a test about values: `expect` and `absent`, against what the device gets. It compiles nothing anew."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from guru_policy.bundle import bundle_document
from guru_policy.compiling import Compiler
from guru_policy.explaining import Explained, explained
from guru_policy.faults import Origin
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device
from guru_policy.kinds.test import Test
from guru_policy.layering import same
from guru_policy.merged import Cell, Entry, Table
from guru_policy.objects.object import Object
from guru_policy.testing.outcome import Exercised, Failure
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tracing import decided

_LONGEST = 300                          # characters of a value in a message
_WRITTEN = {"digest": "source", "iconDigest": "icon"}       # a file's name in a bundle, and in a policy


class Values:
    """The values of one test's device."""

    def __init__(self, item: Object, test: Test, compiler: Compiler, device: Device, fleet: Fleet) -> None:
        self._item, self._test, self._compiler, self._device, self._fleet = item, test, compiler, device, fleet
        self._table = compiler.resolve(device).table
        self._bundle = compiler.bundle(device)
        document = bundle_document(self._bundle) if self._bundle is not None else {}
        checks = document.get("checks")
        self.checks: tuple[str, ...] = tuple(checks) if isinstance(checks, dict) else ()

    @property
    def exercised(self) -> Exercised:
        """The leaves that the claims speak of, and the files that stand in them."""
        leaves: set[Origin] = set()
        files: set[str] = set()
        for path in (*self._test.expect, *self._test.absent):
            for cell in _cells(_entry(self._table, path)):
                if cell.layer.path:
                    leaves.add(cell.origin)
                if cell.live and isinstance(cell.value, str) and cell.value in self._fleet.assets:
                    files.add(cell.value)
        named = {path.split(".")[1] for path in self._test.expect if path.startswith("windows.")}
        windows = frozenset(
            window.item.origin for window in self._compiler.windows(self._device) if window.name in named
        )
        return Exercised(leaves=frozenset(leaves), files=frozenset(files), windows=windows)

    def failures(self) -> Iterator[Failure]:
        """The claims that do not hold."""
        for path, wanted in self._test.expect.items():
            found = self._look(path)
            if found.absent or not same(found.value, wanted):
                got = "nothing" if found.absent else _word(found.value)
                unsaid = found.absent and not isinstance(_entry(self._table, path), Cell)
                yield Failure(self._item.at(("expect", path)), path, _word(wanted), got,
                              "" if unsaid else self._decided(path), self._hint(found))
        for index, path in enumerate(self._test.absent):
            found = self._look(path)
            if not found.absent:
                place = self._item.at(("absent", index))
                yield Failure(place, path, "nothing", _word(found.value), self._decided(path))

    def _look(self, path: str) -> Explained:
        return explained(self._compiler, self._device, path, self._bundle)

    def _decided(self, path: str) -> str:
        return str(decided(self._table, path.split("."), self._compiler.standing(self._device)))

    def _hint(self, found: Explained) -> str:
        """The nearest name there is, for a path that leads nowhere."""
        if not found.absent:
            return ""
        entry: Entry | None = self._table
        for step in found.path.split("."):
            inner = entry.entries.get(step) if isinstance(entry, Table) else None
            if inner is None and isinstance(entry, Table):
                return did_you_mean(step, [key for key, one in entry.entries.items() if one.live])
            entry = inner
        return ""


def _entry(table: Table, path: str) -> Entry | None:
    """What the layers say at a path, the trace of what they took away included."""
    steps = path.split(".")
    steps[-1] = _WRITTEN.get(steps[-1], steps[-1])
    entry: Entry | None = table
    for step in steps:
        if isinstance(entry, Cell):
            break                       # taken away, or a part of a list or value
        entry = entry.entries.get(step) if entry is not None else None
    return entry


def _cells(entry: Entry | None) -> Iterator[Cell]:
    if isinstance(entry, Cell):
        yield entry
    elif entry is not None:
        for inner in entry.entries.values():
            yield from _cells(inner)


def _word(value: JsonValue) -> str:
    """The value as JSON, so that a text and a number look different."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
