"""The order in which resources are carried out. A pure function of who comes after whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush


def ordered(after: Mapping[str, Sequence[str]], rank: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Ids so that each comes after those it names, ties by rank and then by id; and a cycle if there is one.

    Names that are no key of `after` are passed over. When there is a cycle, the first list is empty.
    """
    waits = {name: {other for other in others if other in after} for name, others in after.items()}
    followers: dict[str, list[str]] = {name: [] for name in after}
    for name, others in waits.items():
        for other in others:
            followers[other].append(name)
    ready = [(rank[name], name) for name, others in waits.items() if not others]
    heapify(ready)
    found: list[str] = []
    while ready:
        _, name = heappop(ready)
        found.append(name)
        for follower in followers[name]:
            waits[follower].discard(name)
            if not waits[follower]:
                heappush(ready, (rank[follower], follower))
    if len(found) == len(after):
        return found, []
    return [], _cycle({name: others for name, others in waits.items() if others})


def _cycle(waits: Mapping[str, set[str]]) -> list[str]:
    """One cycle, beginning and ending with the same id, in a stable order."""
    name = min(waits)
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(other for other in waits[name] if other in waits)
    loop = seen[seen.index(name):]
    start = loop.index(min(loop))
    loop = loop[start:] + loop[:start]
    return [*loop, loop[0]]
