"""The fleets in force by customer, for labels and places. It reads what reconcile decided, no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Connection, select

from guru_policy.admitting import Admission, Applicant, Enrolment, admission
from guru_policy.errors import GuruError, NotFound
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.kinds.customer import Customer
from guru_policy.kinds.fleet import FleetSpec
from guru_policy.kinds.site import Site
from guru_policy.labels import labels_of
from guru_server.fleet.finding import Labels
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.tables import customer_source
from guru_server.rights.asking import Known
from guru_server.store.binding import whose
from guru_server.store.database import Database

log = logging.getLogger("guru.api")
Admitting = Callable[[Place, Applicant], Admission]
PATIENCE = 1.0                          # seconds an answer waits for newer labels while a sync runs


class InForce:
    """What the repository says of customers; a server without a repository knows none."""

    def __init__(self, db: Database, reconciler: Reconciler | None) -> None:
        self._db, self._reconciler = db, reconciler
        self._revisions: dict[str, str] = {}
        self._fleets: dict[str, Fleet] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def labels(self) -> Labels:
        """All labels of a device; `git/` as the revision in force for its customer has them."""
        await self._fresh()
        fleets = self._fleets

        def of(device: Device) -> Mapping[str, Scalar]:
            fleet = fleets.get(device.place.customer)
            return labels_of(fleet or _NOTHING, device)

        return of

    async def decisive(self) -> Known:
        """The same for decisions: None for a device whose customer's revision is not known here yet."""
        await self._fresh()
        fleets, alone = self._fleets, self._reconciler is None

        def of(device: Device) -> Mapping[str, Scalar] | None:
            fleet = fleets.get(device.place.customer)
            return labels_of(fleet or _NOTHING, device) if fleet or alone else None

        return of

    async def places(self) -> Mapping[str, Collection[str]] | None:
        """The sites of every customer that has a revision in force; None while none has."""
        await self._fresh()
        return {name: fleet.sites(name) for name, fleet in self._fleets.items()} or None

    async def admissions(self) -> Admitting:
        """What Git asks of whoever wants to join a site; a fleet that says nothing of it asks nothing.

        Where a revision is in force and not read here yet, everybody waits.
        """
        await self._fresh()
        fleets, there = self._fleets, await self._db.read(_revisions)

        def of(place: Place, one: Applicant) -> Admission:
            if place.customer in there and place.customer not in fleets:
                return Admission(wait=True)
            fleet = fleets.get(place.customer, _NOTHING)
            said = (fleet.site(*place), fleet.customer(place.customer), fleet.fleet_object())
            return admission(((item.origin.path, _enrolment(item.spec)) for item in said if item is not None), one)

        return of

    async def load(self, revisions: Collection[str]) -> Mapping[str, Fleet]:
        """The fleets of these revisions, those that the repository still has."""
        if self._reconciler is None:
            return {}
        async with self._reconciler.lock:
            found = {}
            for revision in sorted(revisions):
                if await self._reconciler.mirror.ensure(revision):
                    loaded = await asyncio.to_thread(self._reconciler.library.get, revision)
                    found[revision] = loaded.fleet
            return found

    async def read_file(self, revision: str, path: str) -> bytes:
        """A file of the repository that objects of this revision name; NotFound when it is not among them."""
        if self._reconciler is not None:
            async with self._reconciler.lock:
                if await self._reconciler.mirror.ensure(revision):
                    library = self._reconciler.library
                    digest = (await asyncio.to_thread(library.get, revision)).digests.get(path)
                    if digest is not None:
                        return (await asyncio.to_thread(library.contents, {digest}, [revision]))[digest]
        raise NotFound(f"{path} is not in the fleet repository as it is in force")

    async def _fresh(self) -> None:
        if self._reconciler is None:
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.wait({self._refreshing}, timeout=PATIENCE)

    async def _refresh(self) -> None:
        try:
            revisions = await self._db.read(_revisions)
            if revisions == self._revisions:
                return
            loaded = await self.load(set(revisions.values()))
        except GuruError as error:
            log.warning("the labels from the repository are as old as they were: %s", error)
            return
        self._fleets = {name: loaded[held] for name, held in revisions.items() if held in loaded}
        self._revisions = revisions


def _revisions(connection: Connection) -> dict[str, str]:
    table = customer_source.c
    query = select(table.customer, table.customer_revision)
    rows = connection.execute(query.where(table.tenant == whose(connection), table.customer_revision.is_not(None)))
    return {row.customer: row.customer_revision for row in rows}


_NOTHING = Fleet("", {}, {}, ())


def _enrolment(spec: object) -> Enrolment | None:
    return spec.enrolment if isinstance(spec, Site | Customer | FleetSpec) else None
