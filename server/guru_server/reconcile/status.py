"""What is in force, for whom, and what stands in the way. Reading only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select

from guru_policy.errors import NotFound
from guru_policy.inventory import Device, Place
from guru_server.fleet.state import Signs, standing
from guru_server.fleet.tables import device, device_state
from guru_server.gitops.store import fetch_error
from guru_server.overrides import store as overrides
from guru_server.reconcile.lines import loaded
from guru_server.reconcile.narrowing import KEPT_BACK, customers_for, revision_for
from guru_server.reconcile.pinning import condition, pinned
from guru_server.reconcile.refusals import Refusing, refusals, refusing
from guru_server.reconcile.store import revision_row, revisions, standings
from guru_server.reconcile.tables import device_fault, manifest
from guru_server.rights.asking import Sight
from guru_server.rights.emergency import emergencies
from guru_server.telemetry.intactness import tampered
from guru_wire.operator import (
    Condition,
    CustomerStatus,
    RevisionRow,
    RunSummary,
    Status,
    SyncProgress,
    SyncState,
)
from guru_wire.uplink import ResourceOutcome

_SIGNS = (
    device_state.c.last_seen,
    device_state.c.connected,
    device_state.c.heartbeat,
    device_state.c.desired_serial,
    device_state.c.applied_serial,
    device_state.c.converged,
    device_state.c.state_since,
)
NAMED = 20                              # devices or customers in a message
FEW = 500                               # devices that a query names one by one


class Watched(NamedTuple):
    """What this server watches; `last_fetch_at` is None on a server that does not hold the lease."""

    remote: str
    branch: str
    last_fetch_at: int | None
    waiting: str = ""                   # a commit that waits for `guru apply`


class Stand(NamedTuple):
    """One device's state."""

    device: str
    name: str
    customer: str
    state: SyncState


def status(connection: Connection, tenant: str, watched: Watched, now: int, sight: Sight | None = None) -> Status:
    """`guru status`, with a sight only what is in it; alerts are the caller's to add."""
    stands = states(connection, tenant, now, sight=sight)
    newest = revisions(connection, tenant, 10)
    error, since = fetch_error(connection, tenant)
    customers = _customers(connection, tenant, stands)
    doubtful = refusing(connection, tenant)
    seen: Collection[str] | None = None
    if sight is not None and not sight.whole:
        seen = here = {stand.device for stand in stands}
        newest = [revision_for(sight, row) for row in newest]
        customers = customers_for(sight, customers)
        doubtful = tuple(one for one in doubtful if one.device in here)
        error = KEPT_BACK if error else ""
    return Status(
        remote=watched.remote,
        branch=watched.branch,
        last_fetch_at=watched.last_fetch_at,
        last_fetch_error=error,
        attempted_revision=newest[0].revision if newest else None,
        conditions=(
            *_conditions(customers, newest, (error, since)),
            *_deliberate(connection, tenant, watched, now, told=sight is None or sight.whole),
            *_overridden(connection, tenant, now, among=seen),
            *tampered(connection, tenant, among=seen),
            *emergencies(connection, tenant, now, told=sight is None or sight.whole),
            _stalled(_faulty(connection, tenant, stands), doubtful, _attempted_at(newest)),
        ),
        customers=customers,
        revisions=tuple(newest),
        devices=_counted(stands),
        refusing=len(doubtful),
    )


def progress(
    connection: Connection, tenant: str, revision: str, now: int, sight: Sight | None = None
) -> SyncProgress:
    """How far the devices are whose manifest is of this revision; NotFound when it was never seen."""
    if revision_row(connection, tenant, revision) is None:
        hint = "`guru status` lists the newest"
        raise NotFound(f"the server never saw revision {revision[:40]}", hint=hint)
    named = select(manifest.c.device).where(manifest.c.tenant == tenant, manifest.c.revision == revision)
    concerned = frozenset(connection.execute(named).scalars())
    stands = [stand for stand in states(connection, tenant, now, sight=sight) if stand.device in concerned]
    return SyncProgress(
        revision=revision,
        devices=_counted(stands),
        failed=tuple(sorted(stand.name for stand in stands if stand.state == "OutOfDate")),
    )


def states(
    connection: Connection, tenant: str, now: int, among: Collection[str] | None = None, sight: Sight | None = None
) -> list[Stand]:
    """The state of every device that is not revoked, with a sight of those within it; with `among` at least of
    those.
    """
    query = (
        select(device.c.id, device.c.name, device.c.customer, device.c.site, device.c.op_labels, *_SIGNS)
        .join(device_state, device_state.c.device == device.c.id)
        .where(device_state.c.tenant == tenant)
        .where(device.c.tenant == tenant, device.c.revoked_at.is_(None), device.c.held != "pending")
    )
    if among is not None and len(among) <= FEW:
        query = query.where(device.c.id.in_(among))
    rows = connection.execute(query).all()
    if sight is not None and not sight.whole:
        rows = [row for row in rows if sight.sees(
            Device(row[0], row[1], Place(row[2], row[3]), {}, orjson.loads(row[4]))
        )]
    return [Stand(row[0], row[1], row[2], standing(Signs(*tuple(row)[5:]), now).state) for row in rows]


def device_conditions(connection: Connection, tenant: str, device_id: str, now: int) -> tuple[Condition, ...]:
    """Stalled, for a device that the sources in force do not fit any more, or that refuses what it gets; Held, for
    one that changes nothing because a maintenance window is open; Overridden; and Tampered.
    """
    return (
        *_stalled_device(connection, tenant, device_id), *_held_device(connection, tenant, device_id),
        *_overridden(connection, tenant, now, device_id), *tampered(connection, tenant, device_id),
    )


def _overridden(
    connection: Connection, tenant: str, now: int, device_id: str | None = None, among: Collection[str] | None = None
) -> tuple[Condition, ...]:
    """Overridden, when anything is, of one device or of all, or with `among` of those."""
    found = overrides.rows(connection, tenant, now, device_id=device_id)
    if among is not None:
        found = [one for one in found if one.device in among]
    one = overrides.condition(found, of_fleet=device_id is None)
    return (one,) if one is not None else ()


def _stalled_device(connection: Connection, tenant: str, device_id: str) -> tuple[Condition, ...]:
    query = select(device_fault).where(device_fault.c.tenant == tenant, device_fault.c.device == device_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return tuple(
            Condition(type="Stalled", status=True, reason="ManifestRefused", message=newest.message, since=one.at)
            for one in refusing(connection, tenant, device_id)
            for newest in refusals(connection, tenant, device_id)[:1]
        )
    first = loaded(row.faults)[:1]
    message = f"{first[0].path}:{first[0].line}: {first[0].message}" if first else ""
    return (Condition(type="Stalled", status=True, reason="CompileFailed", message=message, since=row.since),)


def _held_device(connection: Connection, tenant: str, device_id: str) -> tuple[Condition, ...]:
    query = select(device_state.c.run).where(device_state.c.tenant == tenant, device_state.c.device == device_id)
    body = connection.execute(query).scalar()
    run = RunSummary.model_validate_json(body) if body else None
    if run is None or not run.blocked:
        return ()
    waiting = sum(one.outcome is ResourceOutcome.drifted and one.message != "" for one in run.resources)
    message = f"maintenance window {', '.join(run.blocked)}" + (f" until {_utc(run.blocked_until)}" if run.blocked_until
                                                                else "")
    message += f": {waiting} of its resources wait" if waiting else ": nothing waits"
    return (Condition(
        type="Held", status=True, reason="MaintenanceWindow", message=message, since=run.started_at,
    ),)


def _utc(at: int) -> str:
    """ISO 8601 in UTC; an agent says what it likes."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
    except (OverflowError, ValueError, OSError):
        return "a time that is none"


def _customers(connection: Connection, tenant: str, stands: list[Stand]) -> tuple[CustomerStatus, ...]:
    by_customer: defaultdict[str, list[Stand]] = defaultdict(list)
    for stand in stands:
        by_customer[stand.customer].append(stand)
    return tuple(
        CustomerStatus(
            customer=name,
            org_revision=one.pair.org if one.pair else None,
            revision=one.pair.customer if one.pair else None,
            state="Held" if one.held else "InForce",
            reason=one.reason,
            faults=loaded(faults),
            devices=_counted(by_customer[name]),
        )
        for name, (one, faults) in sorted(standings(connection, tenant).items())
    )


def _counted(stands: list[Stand]) -> dict[SyncState, int]:
    return dict(sorted(Counter(stand.state for stand in stands).items()))


def _conditions(
    customers: tuple[CustomerStatus, ...], newest: list[RevisionRow], fetching: tuple[str, int | None]
) -> tuple[Condition, ...]:
    """There is no SourceVerified as long as nobody asks for signatures."""
    error, since = fetching
    attempt = newest[0] if newest else None
    at = _attempted_at(newest) or since or 0
    held = [one.customer for one in customers if one.state == "Held"]
    refused = attempt is not None and attempt.outcome == "refused"
    if error:
        ready = Condition(type="Ready", status=False, reason="FetchFailed", message=error, since=since or at)
    elif attempt is None:
        ready = Condition(type="Ready", status=False, reason="NothingFetched", since=at)
    else:
        reason = {"refused": "Refused", "partly-held": "PartlyHeld"}.get(attempt.outcome, "Published")
        fine = attempt.outcome == "published"
        ready = Condition(type="Ready", status=fine, reason=reason, message=attempt.reason, since=at)
    return (
        ready,
        *([_source_verified(attempt, at)] if attempt and attempt.signature != "unchecked" else []),
        Condition(
            type="Held",
            status=bool(held) or refused,
            reason="CommitRefused" if refused else "CustomersHeld" if held else "NothingHeld",
            message=attempt.reason if refused and attempt else ", ".join(held[:NAMED]),
            since=at,
        ),
    )


def _deliberate(
    connection: Connection, tenant: str, watched: Watched, now: int, *, told: bool
) -> tuple[Condition, ...]:
    """What people decided: a rollback in force, a commit that waits for its plan to be applied."""
    pin = pinned(connection, tenant)
    found = [condition(pin)] if pin else []
    if not told:
        found = [one.model_copy(update={"message": KEPT_BACK}) for one in found]
    if watched.waiting:
        words = f"{watched.waiting[:12]} waits for `guru apply`"
        found.append(Condition(type="Held", status=True, reason="WaitsForApply", message=words, since=now))
    return tuple(found)


def _source_verified(attempt: RevisionRow, at: int) -> Condition:
    if attempt.signature == "verified":
        message = f"signed by {attempt.signer}"
        return Condition(type="SourceVerified", status=True, reason="Verified", message=message, since=at)
    return Condition(type="SourceVerified", status=False, reason="Unverified", message=attempt.reason, since=at)


def _faulty(connection: Connection, tenant: str, stands: list[Stand]) -> list[tuple[str, int]]:
    """The devices that the sources in force do not fit: name and since when."""
    query = select(device_fault.c.device, device_fault.c.since).where(device_fault.c.tenant == tenant)
    names = {stand.device: stand.name for stand in stands}
    return [(names[row[0]], row[1]) for row in connection.execute(query) if row[0] in names]


def _stalled(faulty: list[tuple[str, int]], doubtful: tuple[Refusing, ...], at: int) -> Condition:
    """Who gets no further: what is in force does not fit them, or they do not believe what they got."""
    stalled = faulty + [(one.name, one.at) for one in doubtful]
    reason = "CompileFailed" if faulty else "ManifestRefused" if doubtful else "NothingStalled"
    return Condition(
        type="Stalled",
        status=bool(stalled),
        reason=reason,
        message=", ".join(sorted({name for name, _ in stalled})[:NAMED]),
        since=max((since for _, since in stalled), default=at),
    )


def _attempted_at(newest: list[RevisionRow]) -> int:
    """When the newest commit was dealt with; 0: never."""
    return (newest[0].finished_at or newest[0].seen_at) if newest else 0
