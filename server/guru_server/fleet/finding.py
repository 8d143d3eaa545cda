"""The list of devices: one pass over the rows, filtered and cut into pages; it never writes.

Ten thousand devices are a common answer, so rows become plain dataclasses that orjson writes as they are;
guru_wire.operator.DeviceRow says what they look like.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, text

from guru_policy.inventory import Device, Place, Scalar
from guru_policy.selector import Selector
from guru_server.fleet.state import Signs, standing
from guru_server.rights.asking import Sight
from guru_wire.operator import SyncState

Labels = Callable[[Device], Mapping[str, Scalar]]           # all of a device's labels, with their prefixes
GitLabels = Callable[[], Awaitable[Labels]]                 # with git/ as the revisions in force have it now
Counts = Callable[[Connection, str, Sequence[str]], Mapping[str, Mapping[str, int]]]
MOST = 10_000                           # rows of one page

_ROWS = text(
    "SELECT d.customer, d.site, d.name, d.id, s.last_seen, s.connected, s.heartbeat, s.desired_serial,"
    " s.applied_serial, s.converged, s.state_since, s.desired_revision, s.applied_revision, d.facts,"
    " d.op_labels, d.agent_version, s.agent_version AS running"
    " FROM device d JOIN device_state s ON s.tenant = d.tenant AND s.device = d.id"
    " WHERE d.tenant = :tenant AND d.revoked_at IS NULL AND d.held <> 'pending'"
)


class Order(NamedTuple):
    """Where a device stands in the list."""

    customer: str
    site: str
    name: str
    id: str


class Line(NamedTuple):
    """A row of the query: the place, then what state.Signs takes, then the rest."""

    customer: str
    site: str
    name: str
    id: str
    last_seen: int | None
    connected: str | None
    heartbeat: int
    desired_serial: int
    applied_serial: int
    converged: bool | None
    state_since: int | None
    desired_revision: str | None
    applied_revision: str | None
    facts: str
    op_labels: str
    agent_version: str
    running: str


@dataclass(slots=True)
class Listed:
    """A row as operator.DeviceRow describes it."""

    id: str
    name: str
    customer: str
    site: str
    online: bool
    last_seen: int | None
    state: SyncState
    since: int | None
    desired_revision: str | None
    applied_revision: str | None
    os: str
    agent_version: str
    checks: Mapping[str, int]
    labels: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; `selector` None and `state` None mean all."""

    selector: Selector | None = None
    state: SyncState | None = None
    limit: int = 500
    after: Order | None = None          # the place of the last device that was seen


class Found(NamedTuple):
    """One page. `total` counts all that match; `next` is the place of the last one, when there are more."""

    items: list[Listed]
    total: int
    next: Order | None


def find(
    connection: Connection, tenant: str, wish: Wish, *, now: int, labels: Labels, counts: Counts, sight: Sight
) -> Found:
    """The devices in sight that match, by customer, site and name."""
    lines = _in_sight(_lines(connection, tenant), sight)
    if wish.state is not None:
        lines = [line for line in lines if standing(Signs(*line[4:11]), now).state == wish.state]
    if wish.selector is not None:
        lines = [line for line in lines if _selected(wish.selector, device_of(line), labels)]
    begin = bisect_right(lines, wish.after, key=_place) if wish.after else 0
    rest = lines[begin : begin + wish.limit]
    by_device = counts(connection, tenant, [line.id for line in rest])
    page = [_listed(line, labels, by_device.get(line.id, {}), now) for line in rest]
    more = begin + len(rest) < len(lines)
    return Found(page, len(lines), _place(rest[-1]) if more else None)


def matching(
    connection: Connection, tenant: str, selector: Selector, labels: Labels, sight: Sight
) -> list[Device]:
    """Every device in sight that the selector matches, in the order of the list."""
    devices = (device_of(line) for line in _in_sight(_lines(connection, tenant), sight))
    return [one for one in devices if _selected(selector, one, labels)]


def device_of(line: Line) -> Device:
    """The device in a line."""
    return Device(line.id, line.name, Place(line.customer, line.site), orjson.loads(line.facts),
                  orjson.loads(line.op_labels))


def _lines(connection: Connection, tenant: str) -> list[Line]:
    """Every device in the order of its place; sorted here, since databases differ in how they sort text."""
    return sorted(map(Line._make, connection.execute(_ROWS, {"tenant": tenant}).all()), key=_place)


def _in_sight(lines: list[Line], sight: Sight) -> list[Line]:
    """Place by place where that decides; a device is made only where its labels do."""
    if sight.whole:
        return lines
    found = []
    for line in lines:
        here = sight.place(line.customer, line.site)
        if here or (here is None and sight.sees(device_of(line))):
            found.append(line)
    return found


def _selected(selector: Selector, one: Device, labels: Labels) -> bool:
    return selector.matches(labels(one), one.place, one.name, id=one.id)


def _listed(line: Line, labels: Labels, checks: Mapping[str, int], now: int) -> Listed:
    one = device_of(line)
    stands = standing(Signs(*line[4:11]), now)
    return Listed(
        one.id, one.name, line.customer, line.site, stands.online, line.last_seen, stands.state, stands.since,
        line.desired_revision, line.applied_revision, str(one.facts.get("os", "")),
        line.running or line.agent_version, checks, labels(one),
    )


_place = itemgetter(0, 1, 2, 3)
