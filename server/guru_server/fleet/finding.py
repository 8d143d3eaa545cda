"""The list of devices: one pass over the rows, filtered and cut into pages; it never writes.

Ten thousand devices are a common answer, so rows become plain dataclasses that orjson writes as they are;
guru_wire.operator.DeviceRow says what they look like.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, text

from guru_policy.errors import InputInvalid
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.selector import Selector
from guru_server.fleet.state import Signs, standing
from guru_wire.operator import SyncState

Labels = Callable[[Device], Mapping[str, Scalar]]           # all of a device's labels, with their prefixes
GitLabels = Callable[[], Awaitable[Labels]]                 # with git/ as the revisions in force have it now
Counts = Callable[[Connection, str, Sequence[str]], Mapping[str, Mapping[str, int]]]
MOST = 10_000                           # rows of one page

_ROWS = text(
    "SELECT d.id, d.name, d.customer, d.site, d.facts, d.op_labels, d.agent_version, s.last_seen,"
    " s.connected, s.heartbeat, s.desired_serial, s.applied_serial, s.converged, s.state_since,"
    " s.desired_revision, s.applied_revision, s.agent_version AS running"
    " FROM device d JOIN device_state s ON s.tenant = d.tenant AND s.device = d.id"
    " WHERE d.tenant = :tenant AND d.revoked_at IS NULL"
)
Order = tuple[str, str, str, str]       # customer, site, name, id: sorted here, since databases differ in it
AnyRow = Row[*tuple[Any, ...]]


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
    cursor: str | None = None


class Found(NamedTuple):
    """One page. `total` counts all that match."""

    items: list[Listed]
    total: int
    next: str | None


def find(
    connection: Connection, tenant: str, wish: Wish, *, now: int, labels: Labels, counts: Counts
) -> Found:
    """The devices that match, by customer, site and name; InputInvalid for a cursor that is none."""
    after = _read_cursor(wish.cursor) if wish.cursor else None
    page: list[Listed] = []
    total = 0
    more = False
    for row in sorted(connection.execute(_ROWS, {"tenant": tenant}), key=_place):
        stands = standing(Signs(row.last_seen, row.connected, row.heartbeat, row.desired_serial,
                                row.applied_serial, row.converged, row.state_since), now)
        if wish.state is not None and stands.state != wish.state:
            continue
        full = len(page) >= wish.limit
        passed = after is not None and _place(row) <= after
        if wish.selector is None and (full or passed):
            total += 1
            more = more or (full and not passed)
            continue
        one = device_of(row)
        named = labels(one)
        if wish.selector is not None and not wish.selector.matches(named, one.place, one.name, id=one.id):
            continue
        total += 1
        if passed:
            continue
        if full:
            more = True
            continue
        page.append(Listed(
            one.id, one.name, row.customer, row.site, stands.online, row.last_seen, stands.state,
            stands.since, row.desired_revision, row.applied_revision, str(one.facts.get("os", "")),
            row.running or row.agent_version, {}, named,
        ))
    by_device = counts(connection, tenant, [one.id for one in page])
    for listed in page:
        listed.checks = by_device.get(listed.id, {})
    return Found(page, total, _write_cursor(page[-1]) if more else None)


def matching(connection: Connection, tenant: str, selector: Selector, labels: Labels) -> list[Device]:
    """Every device that the selector matches, in the order of the list."""
    found = (device_of(row) for row in sorted(connection.execute(_ROWS, {"tenant": tenant}), key=_place))
    return [one for one in found if selector.matches(labels(one), one.place, one.name, id=one.id)]


def device_of(row: AnyRow) -> Device:
    """The device in a row of the list."""
    return Device(row.id, row.name, Place(row.customer, row.site), orjson.loads(row.facts),
                  orjson.loads(row.op_labels))


def _place(row: AnyRow) -> Order:
    return row.customer, row.site, row.name, row.id


def _write_cursor(last: Listed) -> str:
    place: Order = (last.customer, last.site, last.name, last.id)
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def _read_cursor(cursor: str) -> Order:
    try:
        customer, site, name, device_id = orjson.loads(base64.urlsafe_b64decode(cursor[:2000]))
    except (ValueError, TypeError, binascii.Error) as cause:
        raise InputInvalid("the cursor is not one of ours", hint="ask again without a cursor") from cause
    return str(customer), str(site), str(name), str(device_id)
