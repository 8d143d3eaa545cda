"""Who wrote the values that a device gets anew, and which of them nobody wrote. Pure, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from guru_policy.applying import Applying
from guru_policy.bundle import AgentSettings
from guru_policy.comparing import FieldChange
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.layering import OVERRIDE, Resolver, same
from guru_policy.merged import Cell, Entry, Table
from guru_policy.needing import Secrets
from guru_policy.objects.items import KINDS, WORDS
from guru_policy.overriding import Overlays
from guru_policy.scheduling import Schedules
from guru_policy.standing import Queries
from guru_policy.windowing import Windows

# How paths of what is in no layer begin.
SECRETS, WINDOWS, SCHEDULES, QUERIES = "secrets.", "windows.", "schedules.", "queries."
_NOTHING: tuple[JsonValue, ...] = (None, False, "", [], {})


class Authors:
    """Tells of the devices of one customer; what devices share is merged once."""

    def __init__(self, sources: Sources) -> None:
        self._windows: dict[str, Windows] = {}
        self._schedules: dict[str, Schedules] = {}
        self._queries: dict[str, Queries] = {}
        self._applying = Applying(sources)
        self._resolver = Resolver(self._applying.common.resolver)
        self._sources = sources
        self._overlays = Overlays()

    def attributed(self, device: Device, changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
        """The changes with `why`, the file:line that says so now, and `default` where nobody says anything.

        An override says who set it in the place of a file. All overrides of the device count: leave out what
        does not fit.
        """
        layers = self._applying.layers(device)
        table = self._resolver.resolve(layers).table
        if device.overrides:
            table = self._resolver.resolve((*layers, *self._overlays.layers(device.overrides, table))).table
        return tuple(self._attributed(device, change, table) for change in changes)

    def _attributed(self, device: Device, change: FieldChange, table: Table) -> FieldChange:
        if change.path.startswith(SECRETS):
            return self._secret(change, device)
        if change.path.startswith(SCHEDULES):
            return self._of_schedule(device, change)
        if change.path.startswith(QUERIES):
            return self._of_query(device, change)
        return self._of_window(device, change) if change.path.startswith(WINDOWS) else _attributed(change, table)

    def _secret(self, change: FieldChange, device: Device) -> FieldChange:
        """A secret's value is in the file that its object names."""
        item = Secrets(self._sources, device.place.customer, None).find(change.path.removeprefix(SECRETS))
        return change if item is None else change._replace(why=f"{item.origin.path}:{item.origin.line}")

    def _of_window(self, device: Device, change: FieldChange) -> FieldChange:
        """A change of a maintenance window, with the place of the window."""
        customer = device.place.customer
        if customer not in self._windows:
            self._windows[customer] = Windows(self._sources, customer)
        name = change.path.split(".")[1]
        for window in self._windows[customer].of(self._applying.subject(device)):
            if window.name == name and window.blocks:
                return change._replace(why=f"{window.item.origin.path}:{window.item.origin.line}")
        return change

    def _of_schedule(self, device: Device, change: FieldChange) -> FieldChange:
        """A change of a schedule, with the place of the schedule; its template may say so, too."""
        customer = device.place.customer
        if customer not in self._schedules:
            self._schedules[customer] = Schedules(self._sources, customer, None)
        name = change.path.split(".")[1]
        for item in self._schedules[customer].of(self._applying.subject(device), device.facts.get("os")).items:
            if item.name == name:
                return change._replace(why=f"{item.origin.path}:{item.origin.line}")
        return change

    def _of_query(self, device: Device, change: FieldChange) -> FieldChange:
        """A change of a standing query, with the place of the query."""
        customer = device.place.customer
        if customer not in self._queries:
            self._queries[customer] = Queries(self._sources, customer)
        name = change.path.split(".")[1]
        for item in self._queries[customer].of(self._applying.subject(device)).items:
            if item.name == name:
                return change._replace(why=f"{item.origin.path}:{item.origin.line}")
        return change


def _attributed(change: FieldChange, table: Table) -> FieldChange:
    steps = change.path.split(".")
    entry = _deepest(table, steps)
    if isinstance(entry, Cell) and entry.layer.path:
        return change._replace(why=f"{entry.origin.path}:{entry.origin.line}")
    if isinstance(entry, Cell) and entry.layer.rank[0] == OVERRIDE:
        return change._replace(why=entry.layer.label)
    if change.to_absent:
        return change
    if any(same(change.after, value) for value in _NOTHING):
        return change._replace(default=True)
    return change._replace(default=same(change.after, _default(steps, table)))


def _deepest(entry: Entry, steps: Sequence[str]) -> Entry | None:
    """The leaf on the way to `steps`, traces of what was taken away included; names may hold dots."""
    if not steps or isinstance(entry, Cell):
        return entry
    for length in range(1, len(steps) + 1):
        inner = entry.entries.get(".".join(steps[:length]))
        if inner is not None:
            return _deepest(inner, steps[length:])
    return None


def _default(steps: Sequence[str], table: Table) -> JsonValue:
    """What a field is when nobody writes it; None when it has no such value."""
    name = steps[-1]
    if steps[0] == "agent":
        return _of(AgentSettings, name)
    kind = _deepest(table, [*steps[:-1], "kind"])
    for section, words in WORDS.items():
        if section == steps[0] and isinstance(kind, Cell):
            model = words if name in words.model_fields else KINDS[section].get(str(kind.value))
            return _of(model, name) if model else None
    return None


@cache
def _of(model: type[BaseModel], name: str) -> JsonValue:
    for key, field in model.model_fields.items():
        if name in (key, field.alias) and not field.is_required():
            found: JsonValue = to_jsonable_python(field.get_default(call_default_factory=True))
            return found
    return None


__all__ = ["Authors"]
