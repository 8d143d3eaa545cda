"""Why a device has a value: the winner and the losers, each with its layer and place. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

from guru_policy.applying import POLICY_MODE
from guru_policy.bundle import Bundle, bundle_document
from guru_policy.compiling import Compiler
from guru_policy.errors import InputInvalid
from guru_policy.faults import Origin
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.kinds.action_set import ACTION_SECTIONS
from guru_policy.kinds.policy import SECTIONS
from guru_policy.layering import Layer
from guru_policy.merged import Action, Cell, Table, find, history, value_of
from guru_policy.objects.markers import removes, restarts
from guru_policy.text.nodes import Node, plain

WINDOWS, SCHEDULES, QUERIES = "windows", "schedules", "queries"
EXPLAINED = (*SECTIONS, *ACTION_SECTIONS, "branding", WINDOWS, SCHEDULES, QUERIES)
"""What paths of a device begin with."""


class Candidate(NamedTuple):
    """A value that a layer gave. `origin` is an empty path for what is built in."""

    value: JsonValue
    layer: str
    origin: Origin
    revision: str
    action: Action = "set"


@dataclass(frozen=True)
class Explained:
    """`value` as the device gets it; `candidates` as written, the winner first."""

    path: str
    value: JsonValue
    absent: bool
    candidates: tuple[Candidate, ...]


def explain(
    sources: Sources, device: Device, path: str, digests: Mapping[str, str] | None = None
) -> Explained:
    """Who decides about `path` (such as `checks.disk.warning`) on this device, and who lost.

    Raises InputInvalid for a path that begins with none of EXPLAINED.
    """
    assets = {word: "" for item in sources.org.objects.values() for word in item.words}
    assets |= {word: "" for item in sources.customer.objects.values() for word in item.words}
    compiler = Compiler(sources, device.place.customer, assets if digests is None else digests)
    return explained(compiler, device, path, compiler.bundle(device))


def explained(compiler: Compiler, device: Device, path: str, bundle: Bundle | None) -> Explained:
    """The same, for callers that ask about many paths: with the device's bundle at hand, None when it has faults."""
    steps = tuple(path.split("."))
    if steps[0] not in EXPLAINED:
        raise InputInvalid(f"{path} is no path of a policy", hint=f"begin with one of {', '.join(EXPLAINED)}")
    if steps[0] in (WINDOWS, SCHEDULES, QUERIES):
        return _timed(compiler, device, path, bundle)
    resolved = compiler.resolve(device)
    entry = find(resolved.table, steps)
    if isinstance(entry, Table):
        layers = compiler.layers(device)
        candidates = [said for layer in reversed(layers) if (said := _said(layer, steps)) is not None]
    else:
        candidates = [_candidate(past) for past in history(resolved.table, steps)]
    value, known = _at(bundle_document(bundle), steps) if bundle is not None else (None, False)
    if entry is not None and (not known or value is None):
        value, known = _without_mode(value_of(entry)), True
    if known and not any(candidate.action == "set" for candidate in candidates[:1]):
        candidates.insert(0, Candidate(value, "built-in", Origin(""), ""))
    return Explained(path, value, not known, tuple(candidates))


def _timed(compiler: Compiler, device: Device, path: str, bundle: Bundle | None) -> Explained:
    """Windows in which the device changes nothing, its schedules or queries; of one, the object that says so."""
    steps = tuple(path.split("."))
    value, known = _at(bundle_document(bundle), steps) if bundle is not None else (None, False)
    named = [
        item for (section, name), item in compiler.standing(device).items()
        if section == steps[0] and steps[1:2] in ((), (name,))
    ] if known else []
    own = compiler.revision_of
    return Explained(path, value, not known, tuple(
        Candidate(plain(item.node), str(item.key.scope), item.origin, own(item))
        for item in named
    ))


def _candidate(entry: Cell | Table) -> Candidate:
    layer = entry.layer
    label, revision = (layer.label, layer.revision) if layer is not None else ("built-in", "")
    action: Action = entry.action if isinstance(entry, Cell) else "set"
    return Candidate(_without_mode(value_of(entry)), label, entry.origin, revision, action)


def _said(layer: Layer, steps: tuple[str, ...]) -> Candidate | None:
    """What a layer itself says about a map: all of it, or that it takes it away."""
    node: Node | None = layer.node
    for step in steps:
        node = node.get(step) if node is not None else None
        if node is not None and removes(node):
            break
    if node is None:
        return None
    if removes(node):
        return Candidate(None, layer.label, node.at(layer.path), layer.revision, "remove")
    action: Action = "replace" if restarts(node) else "set"
    return Candidate(_without_mode(plain(node)), layer.label, node.at(layer.path), layer.revision, action)


def _without_mode(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _without_mode(inner) for key, inner in value.items() if key != POLICY_MODE}
    return value


def _at(document: JsonValue, steps: tuple[str, ...]) -> tuple[JsonValue, bool]:
    for step in steps:
        if not isinstance(document, dict) or step not in document:
            return None, False
        document = document[step]
    return document, True
