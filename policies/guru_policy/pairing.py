"""Which old object is which new one: a rename is no deletion. It compares no content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from guru_policy.fleet import Fleet
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import Scope
from guru_policy.references import renamed_scope


class Matched(NamedTuple):
    """Which old object is which new one."""

    kept: Mapping[Key, Key]             # new to old
    renamed: frozenset[Key]             # new
    deleted: frozenset[Key]             # old
    created: frozenset[Key]             # new


def match(old: Fleet, new: Fleet) -> Matched:
    """Pairs objects by identity, and by `renamedFrom` where the old name is gone."""
    folders = _renamed_folders(new)
    kept: dict[Key, Key] = {key: key for key in new.objects if key in old.objects}
    free = set(old.objects) - set(new.objects)
    renamed: set[Key] = set()
    for key, item in sorted(new.objects.items()):
        if key in kept:
            continue
        for was in _former(key, item, folders):
            if was in free:
                free.discard(was)
                kept[key] = was
                renamed.add(key)
                break
    created = frozenset(set(new.objects) - set(kept))
    return Matched(kept, frozenset(renamed), frozenset(free), created)


def _renamed_folders(new: Fleet) -> dict[Scope, list[Scope]]:
    """Scopes whose Customer, Site or DeviceGroup was renamed, with what they were."""
    found: dict[Scope, list[Scope]] = {}
    for key, item in new.objects.items():
        for old in item.metadata.renamed_from:
            if key.kind in ("Customer", "Site"):
                found.setdefault(key.scope, []).append(renamed_scope(key, old))
            elif key.kind == "DeviceGroup":
                found.setdefault(Scope("group", group=key.name), []).append(Scope("group", group=old))
    return found


def _former(key: Key, item: Object, folders: Mapping[Scope, list[Scope]]) -> Iterator[Key]:
    """What the object may have been: other names, in this scope and in the scope's former ones."""
    names = (key.name, *item.metadata.renamed_from)
    for scope in (key.scope, *_former_scopes(key.scope, folders)):
        for name in names:
            yield Key(key.kind, scope, name)


def _former_scopes(scope: Scope, folders: Mapping[Scope, list[Scope]]) -> Iterator[Scope]:
    customers = [scope.customer]
    customers += [was.customer for was in folders.get(Scope("customer", scope.customer), [])]
    sites = [scope.site]
    sites += [was.site for was in folders.get(Scope("site", scope.customer, scope.site), [])]
    groups = [scope.group]
    groups += [was.group for was in folders.get(Scope("group", group=scope.group), [])]
    for customer in customers:
        for site in sites:
            for group in groups:
                yield Scope(scope.level, customer, site, group)
