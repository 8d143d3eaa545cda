"""What reconcile reads and keeps: revisions, standings, manifests and what they name. It decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, RowMapping, delete, func, select, text

from guru_policy.access.rulebook import Rulebook
from guru_server.accounts import leaving
from guru_server.audit.log import record
from guru_server.cursors import Key
from guru_server.events.noting import Happening, note
from guru_server.fleet.tables import device_state
from guru_server.leases import Fence, held
from guru_server.overrides import store as overrides
from guru_server.reconcile.deciding import Pair, Standing
from guru_server.reconcile.lines import loaded
from guru_server.reconcile.pinning import GOOD, Pin, pinned, set_pin
from guru_server.reconcile.tables import blob, bundle, customer_source, device_fault, manifest, revision
from guru_server.rights.store import keep_rulebook, read_rulebook
from guru_server.secrets.store import Seal, keep_seals
from guru_server.store.database import Database
from guru_wire.operator import RevisionRow

_MANIFEST = text(
    "INSERT INTO manifest (tenant, device, serial, revision, bundle, blobs, sealed, signed, issued_at, expires_at)"
    " VALUES (:tenant, :device, :serial, :revision, :bundle, :blobs, :sealed, :signed, :issued_at, :expires_at)"
    " ON CONFLICT (tenant, device) DO UPDATE SET serial = excluded.serial, revision = excluded.revision,"
    " bundle = excluded.bundle, blobs = excluded.blobs, sealed = excluded.sealed, signed = excluded.signed,"
    " issued_at = excluded.issued_at, expires_at = excluded.expires_at"
)
_DESIRED = text(
    "UPDATE device_state SET desired_serial = :serial, desired_revision = :revision, heartbeat = :heartbeat,"
    " state_since = :issued_at WHERE tenant = :tenant AND device = :device"
)
_BUNDLE = text(
    "INSERT INTO bundle (tenant, digest, data) VALUES (:tenant, :digest, :data) ON CONFLICT DO NOTHING"
)
_BLOB = text(
    "INSERT INTO blob (tenant, digest, size, data) VALUES (:tenant, :digest, :size, :data)"
    " ON CONFLICT DO NOTHING"
)
_FAULT = text(
    "INSERT INTO device_fault (tenant, device, faults, since) VALUES (:tenant, :device, :faults, :since)"
    " ON CONFLICT (tenant, device) DO UPDATE SET faults = excluded.faults, since = excluded.since"
)
_SOURCE = text(
    "INSERT INTO customer_source"
    " (tenant, customer, org_revision, customer_revision, held, reason, faults, since)"
    " VALUES (:tenant, :customer, :org, :own, :held, :reason, :faults, :since)"
    " ON CONFLICT (tenant, customer) DO UPDATE SET org_revision = excluded.org_revision,"
    " customer_revision = excluded.customer_revision, held = excluded.held, reason = excluded.reason,"
    " faults = excluded.faults, since = excluded.since"
)
_REVISION = text(
    "INSERT INTO revision"
    " (tenant, revision, seq, parent, author, subject, seen_at, finished_at, outcome, reason,"
    " devices_changed, faults, signature, signer) VALUES (:tenant, :revision, :seq, :parent, :author, :subject,"
    " :seen_at, :finished_at, :outcome, :reason, :devices_changed, :faults, :signature, :signer)"
    " ON CONFLICT (tenant, revision) DO UPDATE SET seq = excluded.seq, seen_at = excluded.seen_at,"
    " finished_at = excluded.finished_at, outcome = excluded.outcome, reason = excluded.reason,"
    " devices_changed = excluded.devices_changed, faults = excluded.faults, signature = excluded.signature,"
    " signer = excluded.signer"
)


class Issued(NamedTuple):
    """The newest manifest of a device, as far as a decision needs it."""

    serial: int
    bundle: str
    revision: str
    sealed: str = ""


class ManifestRow(NamedTuple):
    """A manifest to store. `heartbeat` in seconds is what its bundle tells the agent."""

    tenant: str
    device: str
    serial: int
    revision: str
    bundle: str
    blobs: str
    signed: str
    issued_at: int
    expires_at: int
    heartbeat: int
    sealed: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """The blobs that its bundle needs."""
        return tuple(orjson.loads(self.blobs))


class Note(NamedTuple):
    """A line for the audit log, in the transaction of what it tells about."""

    actor: str
    action: str
    about: str
    result: str
    revision: str = ""
    rule: str = ""
    request: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Everything one reconcile writes, in one transaction."""

    manifests: Sequence[ManifestRow] = ()
    renewed: Sequence[ManifestRow] = ()                     # same serial, new dates: nothing else moves
    bundles: Mapping[str, bytes] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    seals: Mapping[str, Seal] = field(default_factory=dict)                        # by device
    standings: Mapping[str, tuple[Standing, str]] = field(default_factory=dict)    # with faults as JSON
    gone: Collection[str] = ()                                                     # customers that ended
    faulty: Mapping[str, str] = field(default_factory=dict)                        # faults as JSON by device
    healed: Collection[str] = ()                                                   # devices without fault now
    revision: Mapping[str, str | int | None] | None = None
    pin: Pin | None = None                                                         # in place of the one before
    unpin: bool = False
    note: Note | None = None
    rulebook: Rulebook | None = None                                               # rights of the new base
    unfit: Mapping[overrides.Place, str] = field(default_factory=dict)             # why a device goes without it

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        devices = self.manifests or self.renewed or self.faulty or self.healed or self.unfit
        others = self.standings or self.gone or self.revision or self.pin or self.unpin or self.rulebook
        return not (devices or others)


class InForce(NamedTuple):
    """What reconcile starts from. `base` is the newest revision that came into force for anybody.

    `signer` signed for it; empty when nobody was asked to.
    """

    standings: Mapping[str, Standing]
    issued: Mapping[str, Issued]
    faults: Mapping[str, str]           # JSON by device
    newest: RevisionRow | None
    base: str | None
    signer: str = ""
    pin: Pin | None = None
    ahead: Mapping[str, int] = {}       # serials that devices hold and this database does not know
    unfit: Mapping[overrides.Place, str] = {}       # of overrides that devices go without


def in_force(connection: Connection, tenant: str) -> InForce:
    """What stands now."""
    base = base_in_force(connection, tenant)
    issued = connection.execute(
        select(
            manifest.c.device, manifest.c.serial, manifest.c.bundle, manifest.c.revision, manifest.c.sealed
        ).where(manifest.c.tenant == tenant)
    )
    faults = connection.execute(
        select(device_fault.c.device, device_fault.c.faults).where(device_fault.c.tenant == tenant)
    )
    ahead = connection.execute(
        select(device_state.c.device, device_state.c.ahead_serial).where(
            device_state.c.tenant == tenant,
            device_state.c.ahead_serial > 0,
            device_state.c.ahead_serial >= device_state.c.desired_serial,
        )
    )
    return InForce(
        standings={name: standing for name, (standing, _) in standings(connection, tenant).items()},
        issued={row[0]: Issued(*row[1:]) for row in issued.all()},
        faults={row[0]: row[1] for row in faults},
        newest=newest_attempt(connection, tenant),
        base=base[0] if base else None,
        signer=base[1] if base else "",
        pin=pinned(connection, tenant),
        ahead={row[0]: row[1] for row in ahead},
        unfit=overrides.unfit(connection, tenant),
    )


def base_in_force(connection: Connection, tenant: str) -> tuple[str, str] | None:
    """The newest revision that came into force for anybody, and who signed for it."""
    query = (
        select(revision.c.revision, revision.c.signer)
        .where(revision.c.tenant == tenant, revision.c.outcome.in_(GOOD))
        .order_by(revision.c.seq.desc())
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return (row.revision, row.signer) if row else None


def standings(connection: Connection, tenant: str) -> dict[str, tuple[Standing, str]]:
    """Each customer's standing, its faults apart and as JSON."""
    found = {}
    for row in connection.execute(select(customer_source).where(customer_source.c.tenant == tenant)):
        pair = Pair(row.org_revision, row.customer_revision) if row.org_revision else None
        found[row.customer] = (Standing(pair, row.held, row.reason), row.faults)
    return found


class Attempt(NamedTuple):
    """A revision that was seen, and its number in the order of time."""

    seq: int
    row: RevisionRow


def revisions(connection: Connection, tenant: str, limit: int) -> list[RevisionRow]:
    """The newest attempts first."""
    return [one.row for one in revisions_after(connection, tenant, limit, None)]


def revisions_after(connection: Connection, tenant: str, limit: int, last: Key | None) -> list[Attempt]:
    """The newest attempts first: those before the number that is all of `last`."""
    query = select(revision).where(revision.c.tenant == tenant).order_by(revision.c.seq.desc())
    if last is not None:
        query = query.where(revision.c.seq < last[0])
    rows = connection.execute(query.limit(limit)).mappings()
    return [Attempt(row["seq"], _revision(row, loaded(row["faults"]))) for row in rows]


def newest_attempt(connection: Connection, tenant: str) -> RevisionRow | None:
    """The newest attempt; None before the first."""
    return next(iter(revisions(connection, tenant, 1)), None)


def revision_count(connection: Connection, tenant: str) -> int:
    """How many revisions were attempted."""
    query = select(func.count()).select_from(revision).where(revision.c.tenant == tenant)
    return connection.execute(query).scalar_one()


def revision_row(connection: Connection, tenant: str, name: str) -> RevisionRow | None:
    """The attempt at this revision."""
    query = select(revision).where(revision.c.tenant == tenant, revision.c.revision == name)
    row = connection.execute(query).mappings().one_or_none()
    return _revision(row, loaded(row["faults"])) if row is not None else None


def stored_digests(connection: Connection, tenant: str) -> frozenset[str]:
    """The SHA-256 of every blob that is kept."""
    return frozenset(connection.execute(select(blob.c.digest).where(blob.c.tenant == tenant)).scalars())


def bundle_bytes(connection: Connection, tenant: str, digests: Collection[str]) -> dict[str, bytes]:
    """Bundles by digest."""
    found: dict[str, bytes] = {}
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), 500):
        query = select(bundle.c.digest, bundle.c.data).where(
            bundle.c.tenant == tenant, bundle.c.digest.in_(wanted[start : start + 500])
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def keep(connection: Connection, tenant: str, change: Change, fence: Fence | None, now: int) -> None:
    """Write a change whole. Conflict when `fence` is no longer this server's."""
    if fence is not None:
        held(connection, fence)
    manifests = [row._asdict() for row in change.manifests]
    renewed = [row._asdict() for row in change.renewed]
    for statement, many in ((_MANIFEST, [*manifests, *renewed]), (_DESIRED, manifests)):
        if many:
            Database.many(connection, statement, many)
    for statement, rows in (
        (_BUNDLE, [{"digest": name, "data": data} for name, data in change.bundles.items()]),
        (_BLOB, [{"digest": name, "size": len(data), "data": data} for name, data in change.blobs.items()]),
        (_FAULT, [{"device": name, "faults": lines, "since": now} for name, lines in change.faulty.items()]),
        (_SOURCE, [_source(name, *standing, now) for name, standing in change.standings.items()]),
    ):
        if rows:
            connection.execute(statement, [{**row, "tenant": tenant} for row in rows])
    overrides.keep_unfit(connection, tenant, change.unfit)
    if manifests:
        keep_seals(connection, tenant, change.seals, now)
    for device in change.healed:
        connection.execute(
            delete(device_fault).where(device_fault.c.tenant == tenant, device_fault.c.device == device)
        )
    for customer in change.gone:
        here = (customer_source.c.tenant == tenant, customer_source.c.customer == customer)
        connection.execute(delete(customer_source).where(*here))
    if change.pin is not None or change.unpin:
        set_pin(connection, tenant, change.pin)
    before = None
    if change.rulebook is not None:
        before = read_rulebook(connection, tenant)
        keep_rulebook(connection, tenant, change.rulebook)
    if change.revision is not None:
        newest = select(func.max(revision.c.seq)).where(revision.c.tenant == tenant)
        seq = (connection.execute(newest).scalar() or 0) + 1
        connection.execute(_REVISION, {**change.revision, "tenant": tenant, "seq": seq})
    note(connection, tenant, now, (
        Happening("revision.held", f"customer:{name}", {"revision": standing.held, "reason": standing.reason},
                  customer=name)
        for name, (standing, _) in change.standings.items() if standing.held
    ))
    if before is not None and change.rulebook is not None:
        leaving.moved(connection, tenant, before, change.rulebook, now)
    if change.note is not None:
        said = change.note
        record(connection, now, said.actor, said.action, said.about, said.result, revision=said.revision,
               rule=said.rule, request=said.request, address=said.address, tenant=tenant)


def _source(customer: str, standing: Standing, faults: str, now: int) -> dict[str, object]:
    pair = standing.pair
    return {
        "customer": customer, "org": pair.org if pair else None, "own": pair.customer if pair else None,
        "held": standing.held, "reason": standing.reason, "faults": faults, "since": now,
    }


def _revision(row: RowMapping, faults: object) -> RevisionRow:
    return RevisionRow.model_validate({**row, "faults": faults})
