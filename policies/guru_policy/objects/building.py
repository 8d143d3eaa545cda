"""One YAML document to one object. It looks at no other object and at no other file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue

from guru_policy.faults import Fault
from guru_policy.kinds import KINDS, LATER
from guru_policy.kinds.base import API_VERSION, Metadata, Spec
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.notification_channel import CHANNELS
from guru_policy.kinds.policy import Policy
from guru_policy.objects.carrying import Parts, carried_by, entries_of, texts
from guru_policy.objects.items import Section, read_item
from guru_policy.objects.markers import unmarked
from guru_policy.objects.object import Carries, Key, Object
from guru_policy.objects.scopes import Level, Scope
from guru_policy.objects.tray import read_action_set, read_branding
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.text.nodes import Node, plain, word
from guru_policy.text.placing import InFile, validated
from guru_policy.text.suggesting import did_you_mean

ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
ITEM_SECTIONS: tuple[Section, ...] = ("checks", "resources")

@dataclass
class Built:
    """What one document gave: an object, or faults and perhaps the identity of what is broken."""

    object: Object | None = None
    broken: Key | None = None
    faults: list[Fault] = field(default_factory=list)


def build(node: Node, path: str, scope: Scope) -> Built:
    """The object of one document in a file of this scope."""
    built = Built()
    kind = _envelope(node, path, built.faults)
    metadata_node = node.get("metadata")
    if kind is None or metadata_node is None:
        return built
    metadata, faults, _ = validated(Metadata, plain(metadata_node), InFile(metadata_node, path), "metadata")
    built.faults += faults
    scope = Scope("groups") if kind == "DeviceGroup" and scope.level in ("group", "groups") else scope
    name = metadata_node.get("name")
    if name is not None and isinstance(name.value, str):
        built.broken = Key(kind, scope, name.value)
        _check_place(kind, name, path, scope, built.faults)
    spec_node = node.get("spec") or Node({}, *node[1:])
    spec, parts = _spec(kind, spec_node, path, built.faults)
    if spec is not None and metadata is not None and not built.faults:
        key = Key(kind, scope, metadata.name)
        origin = node.at(path)
        built.object = Object(key, metadata, spec, spec_node, path, origin, *parts)
    return built


def _envelope(node: Node, path: str, faults: list[Fault]) -> str | None:
    """The kind, when the four words around every object are right."""
    if not isinstance(node.value, dict):
        hint = "every document begins with apiVersion and kind; keep other YAML in a folder such as files/"
        faults.append(Fault(node.at(path), "this is no object", hint))
        return None
    for key, entry in node.value.items():
        if key not in ENVELOPE:
            hint = did_you_mean(key, ENVELOPE)
            faults.append(Fault(entry.key_at(path), f"{shown(key)}: there is no such field", hint))
    version, kind = node.get("apiVersion"), node.get("kind")
    if version is None:
        hint = f"write apiVersion: {API_VERSION}; keep other YAML in a folder such as files/"
        faults.append(Fault(node.at(path), "apiVersion: is missing", hint))
    elif version.value != API_VERSION:
        message = f"apiVersion: {shown(word(version))} is not supported by this version"
        faults.append(Fault(version.at(path), message, f"write {API_VERSION}"))
    faults += [
        Fault(node.at(path), f"{word}: is missing") for word in ("kind", "metadata") if node.get(word) is None
    ]
    if kind is None:
        return None
    if not isinstance(kind.value, str) or kind.value not in KINDS:
        text = word(kind)
        message = f"kind {shown(text)} is not supported by this version" if text in LATER else (
            f"kind: there is no kind {shown(text)}"
        )
        hint = "" if text in LATER else did_you_mean(text, KINDS)
        faults.append(Fault(kind.at(path), message, hint))
        return None
    return kind.value


_HOMES: dict[Level, str] = {
    "root": "a file at the root of the repository", "org": "org/", "customer": "customers/<customer>/",
    "site": "customers/<customer>/sites/<site>/", "groups": "groups/", "group": "groups/<group>/",
    "device": "devices/<customer>/<site>/",
}


def _check_place(kind: str, name: Node, path: str, scope: Scope, faults: list[Fault]) -> None:
    """An object stands at a level of its kind, and one that a folder is named after has that name."""
    levels = KINDS[kind][1]
    if scope.level not in levels:
        homes = " or ".join(_HOMES[level] for level in _HOMES if level in levels)
        article = "an" if kind[0] in "AEIOU" else "a"
        message = f"{article} {kind} does not belong in {scope}"
        faults.append(Fault(name.at(path), message, f"move it to {homes}"))
        return
    parts = path.split("/")
    folder = {"Customer": scope.customer, "Site": scope.site}.get(kind, "")
    if kind == "DeviceGroup" and len(parts) > 2:
        folder = parts[1]
    if folder and name.value != folder:
        message = f"metadata.name: {shown(word(name))} stands in the folder of {shown(folder)}"
        faults.append(Fault(name.at(path), message, "the folder's name is the object's name"))


def _spec(kind: str, node: Node, path: str, faults: list[Fault]) -> tuple[Spec | None, Parts]:
    """The kind's model, and for a policy what its resources and checks bring along."""
    nothing: Parts = ((), frozenset(), ())
    if not isinstance(node.value, dict):
        faults.append(Fault(node.at(path), "spec: must be a map", "write {} or leave it out"))
        return None, nothing
    if kind == "Policy":
        return _policy(node, path, faults)
    if kind in ("ActionSet", "Branding"):
        return (read_action_set if kind == "ActionSet" else read_branding)(node, path, faults)
    model = KINDS[kind][0]
    if model is None:
        named = node.get("type")
        model = CHANNELS.get(word(named)) if named is not None else None
        if model is None:
            origin = named.at(path) if named else node.key_at(path)
            message = "spec.type: is missing" if named is None else (
                f"spec.type: there is no channel type {shown(word(named))}"
            )
            faults.append(Fault(origin, message, did_you_mean(word(named) if named else "", CHANNELS)))
            return None, nothing
    spec, found, _ = validated(model, plain(node), InFile(node, path), "spec")
    faults += found
    if isinstance(spec, CommandTemplate):
        return spec, (carried_by(node, path, spec.sources()), frozenset(spec.sources()), ())
    return spec, nothing


def _policy(node: Node, path: str, faults: list[Fault]) -> tuple[Spec | None, Parts]:
    """A Policy, and its items as far as they can be judged without the other layers."""
    bare = dict(cast(dict[str, Node], node.value))
    for section in ("agent", *ITEM_SECTIONS):
        if section in bare:
            bare[section] = unmarked(bare[section], path, faults)
    clean = node._replace(value=bare)
    spec, found, _ = validated(Policy, plain(clean), InFile(clean, path), "spec")
    faults += found
    carries: list[Carries] = []
    incomplete: list[tuple[str, tuple[Fault, ...]]] = []
    words: set[str] = set()
    for section in ITEM_SECTIONS:
        for item_id, entry in entries_of(clean, section):
            what = f"{section}.{item_id}"
            value = cast(dict[str, JsonValue], plain(entry))
            item, wrong, missing = read_item(section, value, InFile(entry, path), f"spec.{what}")
            faults += wrong
            if missing and not wrong:
                incomplete.append((what, tuple(missing)))
            if section == "resources":
                words |= set(texts(entry))
            if item is not None and isinstance(item.model, Resource):
                carries += carried_by(entry, path, item.model.sources())
    return spec, (tuple(carries), frozenset(words), tuple(incomplete))
