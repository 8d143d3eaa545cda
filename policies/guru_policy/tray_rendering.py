"""The tray's part of a merged tree to a bundle: categories, actions, branding. It knows no device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from pydantic import JsonValue

from guru_policy.bundle import PlacedAction, PlacedCategory
from guru_policy.faults import Fault
from guru_policy.kinds.action_set import Category, MenuEntry
from guru_policy.kinds.branding import Branding
from guru_policy.merged import Entry, Table, find, value_of
from guru_policy.objects.tray import read_action
from guru_policy.quantities import shown
from guru_policy.text.placing import validated
from guru_policy.text.suggesting import did_you_mean
from guru_policy.trusting import HINT, told_by_facts


class Tray(NamedTuple):
    """What the bundle gets, the files that go with it, and what is wrong."""

    categories: tuple[PlacedCategory, ...]
    actions: tuple[PlacedAction, ...]
    branding: dict[str, JsonValue]
    blobs: frozenset[str]
    faults: tuple[Fault, ...]
    pins: frozenset[str] = frozenset()  # names of the secrets that entries ask for


class TrayRenderer:
    """Renders for one customer; a menu that many devices share is made once."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = digests
        self._known: dict[tuple[int, ...], tuple[tuple[Entry | None, ...], Tray]] = {}

    def render(self, table: Table, faults: list[Fault]) -> Tray:
        """The tray; faults are added to the list."""
        parts = tuple(find(table, (name,)) for name in ("categories", "actions", "branding"))
        key = tuple(id(part) for part in parts)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = parts, self._render(*parts)      # the parts stay, so their ids do
        faults += known[1].faults
        return known[1]

    def _render(self, categories: Entry | None, actions: Entry | None, branding: Entry | None) -> Tray:
        faults: list[Fault] = []
        blobs: set[str] = set()
        menus = {
            name: found for name, entry in _entries(categories)
            if (found := _category(name, entry, faults)) is not None
        }
        placed = []
        for name, entry in _entries(actions):
            item, wrong, missing = read_action(
                cast(dict[str, JsonValue], value_of(entry)), entry, f"actions.{name}")
            faults += [*wrong, *missing]
            if item is not None:
                faults += _misfits(name, item, entry, dict(_entries(categories)))
                placed.append((item, PlacedAction(
                    id=name, type=str(type(item).model_fields["type"].default),
                    spec=self._carried(item, item.sources(), entry, f"actions.{name}", faults, blobs),
                )))
        placed.sort(key=lambda pair: (pair[0].order, pair[0].label, pair[1].id))
        return Tray(
            tuple(sorted(menus.values(), key=lambda one: (one.order, one.label, one.id))),
            tuple(action for _, action in placed), self._branding(branding, faults, blobs),
            frozenset(blobs), tuple(faults), frozenset(item.pin for item, _ in placed if item.pin is not None),
        )

    def _branding(self, entry: Entry | None, faults: list[Fault], blobs: set[str]) -> dict[str, JsonValue]:
        if not isinstance(entry, Table):
            return {}
        found, wrong, _ = validated(Branding, value_of(entry), entry, "branding")
        faults += wrong
        if found is None:
            return {}
        return self._carried(found, found.sources(), entry, "branding", faults, blobs)

    def _carried(
        self, model: MenuEntry | Branding, sources: tuple[str, ...], entry: Table, what: str,
        faults: list[Fault], blobs: set[str],
    ) -> dict[str, JsonValue]:
        """What is set, with each file by its digest; a file that is not there is a fault at its leaf."""
        spec: dict[str, JsonValue] = model.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"type", "selector", "enforced"})
        for field, name in (("icon", "iconDigest"), ("source", "digest")):
            source = spec.get(field)
            if not isinstance(source, str) or source not in sources:
                continue
            digest = self._digests.get(source)
            if digest is None:
                message = f"{what}: there is no file {shown(source)} in the repository"
                faults.append(Fault(entry.place((field,), False)[0], message, did_you_mean(source, self._digests)))
                continue
            del spec[field]
            spec[name] = digest
            blobs.add(digest)
        return spec


def _entries(part: Entry | None) -> list[tuple[str, Table]]:
    if not isinstance(part, Table):
        return []
    return [(name, entry) for name, entry in sorted(part.entries.items()) if isinstance(entry, Table)]


def _category(name: str, entry: Table, faults: list[Fault]) -> PlacedCategory | None:
    found, wrong, _ = validated(Category, value_of(entry), entry, f"categories.{name}")
    faults += wrong
    return PlacedCategory(id=name, label=found.label, order=found.order) if found is not None else None


def _misfits(name: str, item: MenuEntry, entry: Table, categories: Mapping[str, Table]) -> list[Fault]:
    """A category that the device has not, and elevation that its agent could talk itself into."""
    found = []
    if item.category is not None and item.category not in categories:
        message = f"actions.{name}.category: there is no category {shown(item.category)} on the same device"
        found.append(Fault(entry.place(("category",), False)[0], message, did_you_mean(item.category, categories)))
    if item.elevate or item.pin is not None:
        cell = told_by_facts(entry)
        if cell is not None:
            message = f"actions.{name}: a label that the agent reports would decide about elevation or a PIN"
            found.append(Fault(cell.origin, message, HINT))
    return found
