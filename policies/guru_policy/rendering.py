"""A merged tree to a bundle: items read by their kinds, put in order, files in place. It knows no device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias, cast

from pydantic import JsonValue

from guru_policy.applying import POLICY_MODE
from guru_policy.bundle import LANGUAGE, AgentSettings, Bundle, Mode, PlacedCheck, PlacedResource
from guru_policy.checks.base import Check
from guru_policy.faults import Fault, enough
from guru_policy.kinds.policy import AgentPart
from guru_policy.layering import ORG
from guru_policy.merged import Cell, Entry, Table, find, value_of
from guru_policy.needing import Needed, Secrets
from guru_policy.objects.items import CheckWords, Item, ResourceWords, Section, read_item
from guru_policy.ordering import ordered
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.secret import secrets_in
from guru_policy.text.placing import validated
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tray_rendering import TrayRenderer
from guru_policy.trusting import secret_fault


class _Read(NamedTuple):
    """One item of a merged tree."""

    item: Item | None
    faults: tuple[Fault, ...]
    check: PlacedCheck | None = None    # of an item that is one: it is the same in every bundle
    secrets: frozenset[str] = frozenset()


class Rendered(NamedTuple):
    """A bundle and the secrets that it needs, or what is wrong with it."""

    bundle: Bundle | None
    faults: tuple[Fault, ...] = ()
    secrets: tuple[Needed, ...] = ()


Reads: TypeAlias = dict[int, tuple[Table, object]]      # by the id of the table, which is kept so that it stays


class Renderer:
    """Renders for one customer; an item that many devices share is read once.

    `common` remembers the organisation's own items for every customer.
    """

    def __init__(
        self, digests: Mapping[str, str], mode: Mode, secrets: Secrets, common: Reads | None = None
    ) -> None:
        self._digests = digests
        self._mode = mode
        self._secrets = secrets
        self._tray = TrayRenderer(digests)
        self._own: Reads = {}
        self._common: Reads = common if common is not None else {}

    def render(self, table: Table) -> Rendered:
        """The bundle, or what is wrong with it."""
        faults: list[Fault] = []
        checks = []
        named: set[str] = set()
        for name, entry in self._items(table, "checks"):
            found = self._item("checks", name, entry)
            faults += found.faults
            named |= found.secrets
            if found.check is not None:
                checks.append(found.check)
        resources, blobs = self._resources(table, faults, named)
        agent = self._agent(table, faults)
        tray = self._tray.render(table, faults)
        blobs |= tray.blobs
        needed, missing = self._secrets.need((*named, *tray.pins))
        faults += missing
        if faults:
            return Rendered(None, tuple(sorted(set(faults))))
        return Rendered(Bundle(
            language=LANGUAGE, agent=agent, resources=tuple(resources),
            checks=tuple(sorted(checks, key=lambda check: check.id)), blobs=tuple(sorted(blobs)),
            categories=tray.categories, actions=tray.actions, branding=tray.branding,
            secrets={one.name: one.fingerprint for one in needed},
        ), (), needed)

    def unserved(self, table: Table, platform: str) -> tuple[Fault, ...]:
        """A fault at the kind of every resource that cannot be kept on this platform."""
        faults = []
        for name, entry in self._items(table, "resources"):
            item = self._item("resources", name, entry).item
            if item and isinstance(item.model, Resource) and platform not in item.model.served():
                there = " or ".join(sorted(item.model.served()))
                faults.append(Fault(
                    entry.place(("kind",), False)[0],
                    f"resources.{name}.kind: {_kind(item.model)} is not there on {platform}",
                    f"select devices with fact/os={there}" if " " not in there else f"it is there on {there}",
                ))
        return tuple(faults)

    def _items(self, table: Table, section: Section) -> list[tuple[str, Table]]:
        part = find(table, (section,))
        if not isinstance(part, Table):
            return []
        return [(name, entry) for name, entry in sorted(part.entries.items()) if isinstance(entry, Table)]

    def _item(self, section: Section, name: str, entry: Table) -> _Read:
        known = self._common.get(id(entry)) or self._own.get(id(entry))
        if known is None:
            value = cast(dict[str, JsonValue], value_of(entry))
            value.pop(POLICY_MODE, None)
            item, faults, missing = read_item(section, value, entry, f"{section}.{name}")
            secrets = _secrets(item)
            if secrets and (lying := secret_fault(f"{section}.{name}", entry)) is not None:
                faults = [*faults, lying]
            known = entry, _Read(item, (*faults, *missing), _placed_check(name, item), secrets)
            (self._common if _common(entry) else self._own)[id(entry)] = known
        return cast(_Read, known[1])

    def _agent(self, table: Table, faults: list[Fault]) -> AgentSettings:
        part = find(table, ("agent",))
        if not isinstance(part, Table):
            return AgentSettings()
        found, wrong, _ = validated(AgentPart, value_of(part), part, "agent")
        faults += wrong
        return AgentSettings(**found.model_dump(exclude_none=True)) if found else AgentSettings()

    def _resources(
        self, table: Table, faults: list[Fault], named: set[str]
    ) -> tuple[list[PlacedResource], set[str]]:
        placed: dict[str, PlacedResource] = {}
        after: dict[str, tuple[str, ...]] = {}
        tables = dict(self._items(table, "resources"))
        blobs: set[str] = set()
        for name, entry in tables.items():
            found = self._item("resources", name, entry)
            faults += found.faults
            named |= found.secrets
            item = found.item
            if item and isinstance(item.words, ResourceWords) and isinstance(item.model, Resource):
                after[name] = (*item.words.after, *item.model.triggers())
                model = self._placed(name, item.model, entry, faults, blobs)
                placed[name] = PlacedResource(
                    id=name, kind=_kind(model), mode=self._mode_of(entry, item.words),
                    after=tuple(sorted(set(item.words.after))), spec=_dumped(model),
                )
        for name, others in after.items():
            for other in others:
                if other not in tables and not enough(faults):
                    field = "after" if "after" in tables[name].entries else "restartOn"
                    faults.append(Fault(
                        tables[name].place((field,), False)[0],
                        f"resources.{name}: there is no resource {shown(other)} on the same device",
                        did_you_mean(other, tables),
                    ))
        order, cycle = ordered(after, {name: _level(tables[name]) for name in after})
        if cycle:
            origin = tables[cycle[0]].place(("after",), False)[0]
            message = f"resources.{cycle[0]}: waits for itself: {' after '.join(cycle)}"
            faults.append(Fault(origin, message, "take one `after` out"))
        return [placed[name] for name in order], blobs

    def _placed(
        self, name: str, model: Resource[object], entry: Table, faults: list[Fault], blobs: set[str]
    ) -> Resource[object]:
        """The resource with its files by digest; a file that is not there is a fault at its leaf."""
        missing = [source for source in model.sources() if source not in self._digests]
        for source in missing:
            cells = [key for key, it in entry.entries.items() if isinstance(it, Cell) and it.value == source]
            origin = entry.place(tuple(cells[:1]), False)[0]
            faults.append(Fault(
                origin, f"resources.{name}: there is no file {shown(source)} in the repository",
                did_you_mean(source, self._digests),
            ))
        if missing:
            return model
        blobs |= {self._digests[source] for source in model.sources()}
        return model.placed(self._digests)

    def _mode_of(self, entry: Table, words: ResourceWords) -> Mode:
        """Resource over policy over customer."""
        if words.observe is not None:
            return "observe" if words.observe else "enforce"
        said = find(entry, (POLICY_MODE,))
        if isinstance(said, Cell):
            return "observe" if said.value == "observe" else "enforce"
        return self._mode


def _placed_check(name: str, item: Item | None) -> PlacedCheck | None:
    if item is None or not isinstance(item.words, CheckWords) or not isinstance(item.model, Check):
        return None
    return PlacedCheck(id=name, kind=_kind(item.model), every=item.words.every, spec=_dumped(item.model))


def _secrets(item: Item | None) -> frozenset[str]:
    """The secrets that keeping the item takes: none when it is kept away."""
    if item is None or getattr(item.model, "ensure", "present") == "absent":
        return frozenset()
    return secrets_in(item.model)


def _common(entry: Entry) -> bool:
    """Whether nobody below the organisation has a word in this."""
    if entry.layer is None or entry.layer.rank[0] > ORG:
        return False
    return isinstance(entry, Cell) or all(map(_common, entry.entries.values()))


def _level(entry: Table) -> int:
    return entry.layer.rank[0] if entry.layer else 0


def _kind(model: Check | Resource[object]) -> str:
    return str(type(model).model_fields["kind"].default)


def _dumped(model: Check | Resource[object]) -> dict[str, JsonValue]:
    return model.model_dump(mode="json", by_alias=True)
