"""In which order files of tests are run: those that start processes and wait, evenly among those that compute.

Two programs' tests side by side leave processors idle, and one of each uses them. xdist hands files out in this order.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest

WAITING = frozenset({"attacks", "bench", "e2e", "faults", "fuzz"})
EARLY = 0.8                             # of the files that compute, behind which none that waits is begun


def paced(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests, file by file, in an order that every worker finds alike."""
    files = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    places: list[tuple[float, int]] = []
    waiting = [number for number, file in enumerate(files) if _waits(file[0])]
    computing = [number for number, file in enumerate(files) if not _waits(file[0])]
    places += [(place * EARLY / len(waiting), number) for place, number in enumerate(waiting)]
    places += [(place / len(computing), number) for place, number in enumerate(computing)]
    return [item for _, number in sorted(places) for item in files[number]]


def _waits(item: pytest.Item) -> bool:
    return not WAITING.isdisjoint(item.nodeid.split("/")[1:2])
