"""`$remove: true` and `$replace: true` in policies: finds and checks them. It merges nothing."""

from __future__ import annotations

from guru_policy.faults import Fault, enough
from guru_policy.quantities import shown
from guru_policy.text.nodes import Node
from guru_policy.text.suggesting import did_you_mean

REMOVE, REPLACE = "$remove", "$replace"


def removes(node: Node) -> bool:
    """Whether the entry takes away what is inherited."""
    return node.get(REMOVE) is not None


def restarts(node: Node) -> bool:
    """Whether the map begins anew: it says so, or it is the empty map."""
    return isinstance(node.value, dict) and (not node.value or REPLACE in node.value)


def unmarked(node: Node, path: str, faults: list[Fault]) -> Node:
    """The node without markers and without removed entries; wrong markers become faults."""
    if not isinstance(node.value, dict):
        return node
    kept: dict[str, Node] = {}
    for key, entry in node.value.items():
        if enough(faults):
            break
        if key in (REMOVE, REPLACE):
            if entry.value is not True:
                faults.append(Fault(entry.at(path), f"`{key}` can only be true"))
            elif key == REMOVE and len(node.value) > 1:
                faults.append(Fault(
                    entry.key_at(path), "`$remove` stands alone: nothing can be set where it removes",
                    "`$replace: true` restarts a map",
                ))
        elif key.startswith("$"):
            hint = did_you_mean(key, (REMOVE, REPLACE))
            faults.append(Fault(entry.key_at(path), f"{shown(key)} is no marker", hint))
        elif not removes(entry):
            kept[key] = unmarked(entry, path, faults)
        else:
            unmarked(entry, path, faults)
    return node._replace(value=kept)
