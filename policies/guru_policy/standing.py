"""Which standing queries are about a device. It knows no clock and asks nothing."""

from __future__ import annotations

from typing import NamedTuple

from guru_policy.bundle import PlacedQuery
from guru_policy.conditions import Subject
from guru_policy.faults import Fault
from guru_policy.fleet import Sources
from guru_policy.kinds.query import Query
from guru_policy.nearest import Nearest
from guru_policy.objects.object import Object

KIND = "Query"
MOST = 50                               # of one device


class Asked(NamedTuple):
    """The queries of a device, by name, the objects that say so, and what is wrong with them."""

    placed: tuple[PlacedQuery, ...] = ()
    items: tuple[Object, ...] = ()
    faults: tuple[Fault, ...] = ()


class Queries:
    """The queries in force for one customer, ready to be asked for any of its devices."""

    def __init__(self, sources: Sources, customer: str) -> None:
        self._nearest = Nearest(sources, customer, KIND)
        self.exist = self._nearest.exist

    def of(self, subject: Subject) -> Asked:
        """Those that are about the device. `subject` has its groups."""
        if not self.exist:
            return Asked()
        items = [item for item, _ in self._nearest.of(subject.place.site, subject.groups)
                 if item.selector.accepts(subject)]
        faults = tuple(
            Fault(item.origin, f"Query {item.name}: a device has {MOST} queries at most") for item in items[MOST:])
        return Asked(tuple(_placed(item) for item in items[:MOST]), tuple(items[:MOST]), faults)


def _placed(item: Object) -> PlacedQuery:
    spec = item.spec
    assert isinstance(spec, Query)                              # noqa: S101 - objects of a kind have its model
    return PlacedQuery(
        id=item.name, sql=spec.sql, every=spec.every, snapshot=spec.results == "snapshot", timeout=spec.timeout)
