"""ActionSet and Branding as written, judged without the layers that complete them. It merges nothing."""

from __future__ import annotations

from typing import cast

from pydantic import JsonValue

from guru_policy.faults import Fault
from guru_policy.kinds.action_set import ACTION_SECTIONS, ACTIONS, ActionSet, Category, MenuEntry
from guru_policy.kinds.base import Spec
from guru_policy.kinds.branding import Branding
from guru_policy.objects.carrying import Parts, carried_by, entries_of
from guru_policy.objects.markers import unmarked
from guru_policy.objects.object import Carries
from guru_policy.quantities import shown
from guru_policy.text.nodes import Node, plain
from guru_policy.text.placing import InFile, Located, validated
from guru_policy.text.suggesting import did_you_mean


def read_action(
    value: dict[str, JsonValue], located: Located, what: str
) -> tuple[MenuEntry | None, list[Fault], list[Fault]]:
    """The action, or its faults: those that stand, and those that a lower layer may still mend."""
    named = value.get("type")
    if named is None:
        hint = "one of " + ", ".join(ACTIONS)
        return None, [], [Fault(located.place((), False)[0], f"{what}.type: is missing", hint)]
    model = ACTIONS.get(named) if isinstance(named, str) else None
    if model is None:
        named = named if isinstance(named, str) else "something that is no word"
        message = f"{what}.type: there is no action type {shown(named)}"
        return None, [Fault(located.place(("type",), False)[0], message, did_you_mean(named, ACTIONS))], []
    return validated(model, value, located, what, partial=True)


def read_action_set(node: Node, path: str, faults: list[Fault]) -> tuple[Spec | None, Parts]:
    """The ActionSet, and its entries as far as they can be judged alone."""
    bare = dict(cast(dict[str, Node], node.value))
    for section in ACTION_SECTIONS:
        if section in bare:
            bare[section] = unmarked(bare[section], path, faults)
    clean = node._replace(value=bare)
    spec, found, _ = validated(ActionSet, plain(clean), InFile(clean, path), "spec")
    faults += found
    carries: list[Carries] = []
    words: set[str] = set()
    incomplete: list[tuple[str, tuple[Fault, ...]]] = []
    for section in ACTION_SECTIONS:
        for name, entry in entries_of(clean, section):
            value, located = cast(dict[str, JsonValue], plain(entry)), InFile(entry, path)
            what = f"spec.{section}.{name}"
            item: MenuEntry | Category | None
            if section == "actions":
                item, wrong, missing = read_action(value, located, what)
                words |= {word for key in ("icon", "source") if isinstance(word := value.get(key), str)}
            else:
                item, wrong, missing = validated(Category, value, located, what, partial=True)
            faults += wrong
            if missing and not wrong:
                incomplete.append((f"{section}.{name}", tuple(missing)))
            if isinstance(item, MenuEntry):
                carries += carried_by(entry, path, item.sources())
    return spec, (tuple(carries), frozenset(words), tuple(incomplete))


def read_branding(node: Node, path: str, faults: list[Fault]) -> tuple[Spec | None, Parts]:
    """The Branding; every field of it may stand alone."""
    clean = unmarked(node, path, faults)
    spec, found, _ = validated(Branding, plain(clean), InFile(clean, path), "spec")
    faults += found
    sources = spec.sources() if spec is not None else ()
    return spec, (carried_by(clean, path, sources), frozenset(sources), ())
