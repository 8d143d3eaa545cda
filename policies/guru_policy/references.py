"""Whether the objects of a fleet fit together. References lead up the scope chain, never sideways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import cast

from guru_policy.faults import MAX_FAULTS, Fault, Origin, more_of
from guru_policy.fitting import Names, chain_of, fitting_faults, place_of, release_faults, template_of
from guru_policy.kinds import AlertRule
from guru_policy.links import links_of, selectors_of
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import GROUPS, ROOT, Scope, owner_of
from guru_policy.quantities import shown
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tree import MAX_ASSET, Entry
from guru_policy.trusting import trust_faults


def reference_faults(names: Names, entries: Mapping[str, Entry]) -> Iterator[Fault]:
    """Every reference that leads nowhere, and every folder without its object."""
    yield from _fleet_faults(names)
    yield from _container_faults(names)
    yield from _rename_faults(names)
    checks = {check for item in names.objects.values() for check in _checks(item)}
    groups = sorted(key.name for key in (*names.objects, *names.broken) if key.kind == "DeviceGroup")
    secrets = {key for key in (*names.objects, *names.broken) if key.kind == "Secret"}
    selectors = {key.name: item.selector for key, item in names.objects.items() if key.kind == "DeviceGroup"}

    def of(item: Object) -> Iterator[Fault]:
        if item.key.kind == "AlertRule":
            yield from _alert_faults(names, item, checks)
        yield from _link_faults(names, item)
        yield from _secret_faults(names, item, secrets)
        if GROUPS not in names.unread:
            yield from _group_faults(item, groups)
        for carried in item.carries:
            yield from _asset_faults(item, carried.source, carried.origin, entries)
        yield from trust_faults(item, selectors, template_of(names, item))
        yield from fitting_faults(names, item, entries)

    yield from _some_of_each_file(names.objects.values(), of)
    yield from release_faults(names)


def _some_of_each_file(items: Iterable[Object], of: Callable[[Object], Iterator[Fault]]) -> Iterator[Fault]:
    """The faults of the objects, as many of one file as are told: looking for more would only cost time.

    Warnings and errors are counted apart, so that no heap of warnings hides an error.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for item in items:
        if counted[item.path, "error"] > MAX_FAULTS:
            continue
        for fault in of(item):
            counted[item.path, fault.severity] += 1
            if counted[item.path, fault.severity] <= MAX_FAULTS:
                yield fault
            elif fault.severity == "error":
                yield more_of(item.path)
                break


def _fleet_faults(names: Names) -> Iterator[Fault]:
    fleets = [item for key, item in names.objects.items() if key.kind == "Fleet"]
    if not fleets and ROOT not in names.unread and not any(key.kind == "Fleet" for key in names.broken):
        yield Fault(
            Origin("/"), "no Fleet object: this is not a fleet repository, and nothing is taken from it",
            "put one into fleet.yaml at the root",
        )
    for extra in sorted(fleets, key=lambda item: item.origin)[1:]:
        yield Fault(extra.origin, "there is a second Fleet object", "keep one")


def _container_faults(names: Names) -> Iterator[Fault]:
    """Folders of customers, sites and groups in which the object itself is missing."""
    first: dict[Scope, Object] = {}
    for item in sorted(names.objects.values(), key=lambda item: item.origin):
        first.setdefault(item.key.scope, item)
    told: set[Key] = set()
    broken = {key[:2] for key in names.broken}          # it is there, if only under a wrong name
    for scope, item in first.items():
        wanted = []
        if scope.customer:
            wanted.append(Key("Customer", Scope("customer", scope.customer), scope.customer))
        if scope.site:
            wanted.append(Key("Site", Scope("site", scope.customer, scope.site), scope.site))
        if scope.group:
            wanted.append(Key("DeviceGroup", GROUPS, scope.group))
        for key in wanted:
            if key not in told and not names.has(key) and key[:2] not in broken:
                told.add(key)
                folder = "groups" if key.kind == "DeviceGroup" else str(key.scope)
                message = f"there is no {key.kind} object {shown(key.name)} for what stands in {scope}"
                yield Fault(Origin(item.path), message, f"add it in {folder}/, or remove the folder")


def _rename_faults(names: Names) -> Iterator[Fault]:
    """`renamedFrom` names what is gone, and one object only takes over each name."""
    claimed: dict[Key, Object] = {}
    for item in sorted(names.objects.values(), key=lambda item: item.origin):
        for old in item.metadata.renamed_from:
            key = Key(item.key.kind, renamed_scope(item.key, old), old)
            if key in names.objects:
                message = f"metadata.renamedFrom: {key} still exists in {names.objects[key].origin}"
                yield Fault(item.origin, message, "remove the old object, or this line")
            elif claimed.setdefault(key, item) is not item:
                heir = claimed[key]
                message = f"metadata.renamedFrom: {key} became {heir.key} already, in {heir.origin}"
                yield Fault(item.origin, message, "one object takes over a name")


def renamed_scope(key: Key, old: str) -> Scope:
    """The scope in which the object stood under its old name: Customer and Site move with their folder."""
    if key.kind == "Customer":
        return Scope("customer", old)
    return Scope("site", key.scope.customer, old) if key.kind == "Site" else key.scope


def _checks(item: Object) -> tuple[str, ...]:
    part = item.node.get("checks") if item.key.kind == "Policy" else None
    return tuple(part.value) if part is not None and isinstance(part.value, dict) else ()


def _alert_faults(names: Names, item: Object, checks: set[str]) -> Iterator[Fault]:
    rule = cast(AlertRule, item.spec)
    if not names.unread and not any(fnmatchcase(check, rule.check) for check in checks):
        message = f"spec.check: no policy has a check {shown(rule.check)}: the rule can never fire"
        yield Fault(item.place("check"), message, did_you_mean(rule.check, checks), "warning")


def _link_faults(names: Names, item: Object) -> Iterator[Fault]:
    """Names of other objects that are not to be found up the scope chain."""
    chain = chain_of(item)
    for link in links_of(item):
        scopes = chain
        if link.kind == "MaintenanceWindow":            # of a device under test: groups are above it too
            scopes = [*chain, *sorted({key.scope for key in names.objects if key.scope.group})]
        if any(names.has(Key(link.kind, scope, link.name)) for scope in scopes):
            continue
        known = [key.name for key in (*names.objects, *names.broken)
                 if key.kind == link.kind and key.scope in scopes]
        where = " or ".join(str(scope) for scope in chain)
        message = f"{place_of(link.steps)}: there is no {link.kind} {shown(link.name)} in {where}"
        yield Fault(item.at(link.steps), message, did_you_mean(link.name, known))


def _secret_faults(names: Names, item: Object, secrets: set[Key]) -> Iterator[Fault]:
    """Names of secrets that no object has: whose devices need a file of their own. Of policies for everybody, any
    customer may have one.
    """
    owner = owner_of(item.path)
    for ref in item.secret_refs:
        mine = {key.name for key in secrets if not owner or key.scope.customer in ("", owner)}
        if ref.name not in mine and not names.unread:
            message = f"spec.{ref.what}: there is no Secret {shown(ref.name)}: the device itself must have it"
            hint = did_you_mean(ref.name, mine) or "it lies in /etc/guru/secrets there, or add a Secret"
            yield Fault(ref.origin, message, hint, "warning")


def _group_faults(item: Object, groups: list[str]) -> Iterator[Fault]:
    for steps, selector in selectors_of(item):
        for group in selector.named_groups():
            if group not in groups:
                message = f"{place_of(steps)}: there is no DeviceGroup {shown(group)}"
                yield Fault(item.at(steps), message, did_you_mean(group, groups))


def _asset_faults(item: Object, source: str, origin: Origin, entries: Mapping[str, Entry]) -> Iterator[Fault]:
    """A carried file exists, is a file, is not too large, and is not another customer's."""
    entry = entries.get(source)
    owner = owner_of(source)
    if owner is not None and owner != owner_of(item.path):
        yield Fault(origin, f"{shown(source)} belongs to customer {owner}", "copy it to a place of your own")
    elif entry is None:
        yield Fault(origin, f"there is no file {shown(source)} in the repository", did_you_mean(source, ()))
    elif entry.kind != "file":
        noun = "symbolic link" if entry.kind == "link" else "submodule"
        yield Fault(origin, f"{shown(source)} is a {noun}, not a file", "put the file itself there")
    elif entry.size > MAX_ASSET:
        message = f"{shown(source)} has {entry.size:,} bytes; a file for devices may have {MAX_ASSET:,}"
        yield Fault(origin, message)
