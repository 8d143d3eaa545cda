"""Where devices differed from what they should be, and who put it right. It reads runs, and writes nothing."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from guru_server.fleet.inventory import Inventory
from guru_server.fleet.tables import device_state
from guru_server.overrides import store as overrides
from guru_server.reconcile.tables import run
from guru_server.rights.asking import Sight
from guru_wire.drift import Drift, DriftRow
from guru_wire.operator import RunSummary
from guru_wire.uplink import Change, ResourceOutcome, ResourceReport

MOST_RUNS = 50_000                      # read for one answer
MOST_ROWS = 10_000
MOST_OVERRIDES = 1_000


class _Place(NamedTuple):
    """A device's name and place."""

    id: str
    name: str
    customer: str
    site: str


_NOT_INTENDED = (Change.corrective, Change.suppressed)


def drift(connection: Connection, tenant: str, since: int, now: int, sight: Sight | None = None) -> Drift:
    """Every resource that differed in a run since then (ms UTC), by device and resource, with its newest time.

    One that still differs by its device's newest run is open, whenever that run was. Overrides in force are told too.
    With a sight, only what is within it.
    """
    places = {
        one.id: _Place(one.id, one.name, *one.place) for one in Inventory(tenant).read(connection)
        if sight is None or sight.sees(one)
    }
    told = or_(run.c.body.like('%"corrective"%'), run.c.body.like('%"suppressed"%'))
    runs = connection.execute(
        select(run.c.device, run.c.body).where(run.c.tenant == tenant, run.c.finished_at >= since, told)
        .order_by(run.c.finished_at.desc()).limit(MOST_RUNS)
    )
    newest = connection.execute(
        select(device_state.c.device, device_state.c.run)
        .where(device_state.c.tenant == tenant, device_state.c.run.is_not(None))
    )
    found: dict[tuple[str, str], DriftRow] = {}
    for owner, body in newest:
        if owner in places and ('"corrective"' in body or '"suppressed"' in body):
            _add(found, places[owner], RunSummary.model_validate_json(body), since, now=True)
    for owner, body in runs:
        if owner in places:
            _add(found, places[owner], RunSummary.model_validate_json(body), since, now=False)
    rows = sorted(found.values(), key=lambda one: (not one.open, one.customer, one.site, one.name, one.resource))
    overridden = [one for one in overrides.rows(connection, tenant, now) if one.device in places]
    return Drift(
        items=tuple(rows[:MOST_ROWS]), total=len(rows), since=since, overrides=tuple(overridden[:MOST_OVERRIDES])
    )


def _add(
    found: dict[tuple[str, str], DriftRow], place: _Place, summary: RunSummary, since: int, *, now: bool
) -> None:
    for one in summary.resources:
        if one.change not in _NOT_INTENDED:
            continue
        open_now = now and _differs(one)
        if now and not open_now:
            continue                    # its own row in the list of runs tells of it, if it is new enough
        key = (place.id, one.id)
        known = found.get(key)
        if known is None:
            found[key] = _row(place, one, summary.finished_at, open_now)
        elif not now and summary.finished_at >= since:
            counted = known.times + (not known.open or summary.finished_at != known.at)
            found[key] = known.model_copy(update={"times": counted})


def _row(place: _Place, one: ResourceReport, at: int, open_now: bool) -> DriftRow:
    return DriftRow(
        device=place.id, name=place.name, customer=place.customer, site=place.site, resource=one.id,
        kind=one.kind, change="suppressed" if one.change is Change.suppressed else "corrective",
        outcome=one.outcome.value, open=open_now, at=at, steps=one.steps, message=one.message,
    )


def _differs(one: ResourceReport) -> bool:
    """Whether the device is still not as it should be."""
    return one.outcome in (ResourceOutcome.drifted, ResourceOutcome.failed)
