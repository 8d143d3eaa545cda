"""Two revisions, or two bundles, side by side: what changed. It decides nothing and applies nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import JsonValue

from guru_policy.bundle import Bundle, bundle_document
from guru_policy.fleet import Fleet
from guru_policy.guarding import guard
from guru_policy.layering import same
from guru_policy.objects.object import Key, Object
from guru_policy.pairing import match
from guru_policy.text.nodes import plain


class FieldChange(NamedTuple):
    """One leaf; absent is None with `from_absent` or `to_absent`.

    guru_policy.provenance fills in `why` (file:line) and `default` (what it is when nobody writes it).
    """

    path: str
    before: JsonValue
    after: JsonValue
    from_absent: bool = False
    to_absent: bool = False
    why: str = ""
    default: bool = False


class ObjectChange(NamedTuple):
    """What happened to one object. `path` is its file, the old one when it is deleted."""

    action: Literal["create", "change", "delete", "rename"]
    kind: str
    scope: str
    name: str
    path: str
    fields: tuple[FieldChange, ...] = ()


def object_changes(old: Fleet | None, new: Fleet) -> tuple[ObjectChange, ...]:
    """Every object that is made, changed, renamed or deleted, by kind, scope and name."""
    before = old or Fleet("", {}, {})
    matched = match(before, new)
    found = [
        _change("create", key, new.objects[key], tuple(field_changes({}, _document(new, key))))
        for key in matched.created
    ]
    for key, was in matched.kept.items():
        if before.objects[was] is new.objects[key]:
            continue                    # the file did not change: loading.ParseCache gave the same object
        fields = tuple(field_changes(_document(before, was), _document(new, key)))
        if key in matched.renamed:
            found.append(_change("rename", key, new.objects[key], fields))
        elif fields:
            found.append(_change("change", key, new.objects[key], fields))
    found += [_change("delete", key, before.objects[key], ()) for key in matched.deleted]
    return tuple(sorted(found, key=lambda change: (change.kind, change.scope, change.name, change.action)))


def _change(
    action: Literal["create", "change", "delete", "rename"], key: Key, item: Object,
    fields: tuple[FieldChange, ...],
) -> ObjectChange:
    return ObjectChange(action, key.kind, str(key.scope), key.name, item.path, fields)


def _document(fleet: Fleet, key: Key) -> dict[str, JsonValue]:
    item = fleet.objects[key]
    metadata: dict[str, JsonValue] = {"name": item.name, "labels": dict(item.labels)}
    return {"metadata": metadata, "spec": plain(item.node)}


def device_changes(old: Bundle | None, new: Bundle) -> tuple[FieldChange, ...]:
    """Every leaf in which two bundles differ, sorted by path; with None, all of the new one."""
    before = bundle_document(old) if old is not None else {}
    return tuple(field_changes(before, bundle_document(new)))


def field_changes(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue], prefix: str = ""
) -> Iterator[FieldChange]:
    """The leaves in which two documents differ; lists are leaves."""
    for key in sorted({*before, *after}):
        path = f"{prefix}{key}"
        was, now = before.get(key), after.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from field_changes(was, now, f"{path}.")
        elif key not in before and isinstance(now, dict) and now:
            yield from field_changes({}, now, f"{path}.")
        elif key not in after and isinstance(was, dict) and was:
            yield from field_changes(was, {}, f"{path}.")
        elif (key in before) != (key in after) or not same(was, now):
            yield FieldChange(path, was, now, key not in before, key not in after)


__all__ = ["FieldChange", "ObjectChange", "device_changes", "field_changes", "guard", "object_changes"]
