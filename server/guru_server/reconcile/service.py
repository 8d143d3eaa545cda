"""One commit's way into force: load, decide, sign, store at once, publish. One at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from guru_policy.access.rulebook import rulebook_of
from guru_policy.errors import InputInvalid
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device
from guru_server.bus import IN_FORCE, Bus
from guru_server.clock import Clock
from guru_server.collecting import uncollected
from guru_server.fleet.inventory import Inventory
from guru_server.gateway.plain import plain
from guru_server.gitops.mirror import Commit, Consent, Mirror
from guru_server.gitops.tree import MirrorBroken
from guru_server.gitops.verifying import UNCHECKED, Base, Verdict, Verifier
from guru_server.leases import Fence, held
from guru_server.overrides import store as overrides
from guru_server.reconcile.deciding import Asked, Decision, Get, Pair, Standing, decide
from guru_server.reconcile.guarding import UNKNOWN, Consented, after, refusals, stands
from guru_server.reconcile.issuing import Issuer
from guru_server.reconcile.library import Library, Loaded
from guru_server.reconcile.lines import dumped, lines_of
from guru_server.reconcile.pinning import Pin, pinned
from guru_server.reconcile.refreshing import refreshed
from guru_server.reconcile.renewing import due
from guru_server.reconcile.store import (
    Change,
    InForce,
    Note,
    base_in_force,
    in_force,
    keep,
    newest_attempt,
    stored_digests,
)
from guru_server.reconcile.telling import told
from guru_server.rights.store import revision_of_rulebook
from guru_server.secrets.opening import Opener
from guru_server.secrets.sealing import Sealing
from guru_server.signer.asking import Signatures
from guru_server.store.database import Database
from guru_wire.operator import SyncRequested

log = logging.getLogger("guru.reconcile")

BREATH = 0.2                            # seconds between two writes of renewed manifests
Stage = Callable[[str], None]           # loaded, compiled, signed, storing, stored, published


class Reconciler:
    """Brings commits into force. `stage` exists for fault tests, which kill the process there."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        mirror: Mirror,
        *,
        verifier: Verifier,
        signer: Signatures,
        opener: Opener,
        now: Clock,
        stage: Stage = lambda _: None,
    ) -> None:
        self._db, self._bus, self.mirror, self.now, self._stage = db, bus, mirror, now, stage
        self.tenant = tenant = db.tenant
        self._verifier = verifier
        self._issuer = Issuer(tenant, signer)
        self.library = Library(mirror.tree, opener)
        self._inventory = Inventory(tenant)
        self._sealing = Sealing(db, self.library, tenant)
        self.lock = asyncio.Lock()      # the library and the decisions: one at a time

    async def reconcile_commit(self, revision: str, fence: Fence | None = None) -> SyncRequested:
        """Bring this commit into force as far as it is good; the newest commit again does nothing.

        Raises Conflict when `fence` is not this server's any more; then nothing was written.
        """
        async with self.lock:
            newest, pin = await self._db.read(
                lambda connection: (newest_attempt(connection, self.tenant), pinned(connection, self.tenant))
            )
            if newest is not None and newest.revision == revision and newest.finished_at is not None:
                log.info("nothing new: %s is %s", revision[:12], newest.outcome)
                return SyncRequested(
                    revision=revision, outcome=newest.outcome, reason=newest.reason, faults=newest.faults
                )
            try:
                return await self._held_or_brought(revision, pin, fence)
            except MirrorBroken as broken:
                log.warning("%s; cloning again", broken.message)
                await self.mirror.rebuild()
                return await self._held_or_brought(revision, pin, fence)

    async def _held_or_brought(self, revision: str, pin: Pin | None, fence: Fence | None) -> SyncRequested:
        if pin is not None and pin.holds(await self.mirror.tree_of(revision)):
            log.info("%s is held: it was rolled back", revision[:12])
            return SyncRequested(revision=revision, outcome="held", reason=pin.told())
        before, devices = await self.look()
        with uncollected():
            return await self.bring(revision, before, devices, fence)

    async def awaiting(self, revision: str) -> SyncRequested:
        """How the tip stands at a server that brings nothing into force without `guru apply`. Writes nothing."""
        newest = await self._db.read(lambda connection: newest_attempt(connection, self.tenant))
        if newest is not None and newest.revision == revision and newest.finished_at is not None:
            return SyncRequested(
                revision=revision, outcome=newest.outcome, reason=newest.reason, faults=newest.faults
            )
        return SyncRequested(revision=revision, outcome="held", reason=f"{revision[:12]} waits for `guru apply`")

    async def refresh(self, ids: Collection[str] | None, fence: Fence | None = None) -> int:
        """Compile devices (None: all) again with the sources in force; how many got a new manifest.

        A device that fails now keeps its manifest and is Stalled.
        """
        async with self.lock:
            before, devices = await self.look()
            chosen = [device for device in devices if ids is None or device.id in ids]
            if before.base is None or not chosen:
                return 0
            get = await self.available(before, [before.base])
            compiled = await asyncio.to_thread(refreshed, chosen, before, get)
            seals = await self._sealing.seals(compiled)
            now = self.now()
            by_id = {device.id: device for device in chosen}
            change = await asyncio.to_thread(self._issuer.changes, compiled, before, by_id, seals, now)
            if change.empty:
                return 0
            change = await self._with_blobs(change, [*self._revisions(before.standings), before.base])
            await self._store(change, fence, now)
            if change.manifests:
                log.info("inventory: %d devices have a new manifest", len(change.manifests))
            return len(change.manifests)

    async def keep_rights(self, fence: Fence | None = None) -> None:
        """Store the rulebook in force when it is not that of the revision in force: after an upgrade, say."""
        async with self.lock:
            held, before = await self._db.read(lambda connection: (
                revision_of_rulebook(connection, self.tenant), base_in_force(connection, self.tenant)
            ))
            if before is None or held == before[0] or not await self.mirror.ensure(before[0]):
                return
            book = rulebook_of((await asyncio.to_thread(self.library.get, before[0])).fleet)
            now = self.now()
            await self._db.write(
                lambda connection: keep(connection, self.tenant, Change(rulebook=book), fence, now)
            )
            log.info("the rights of %s are in force", before[0][:12])

    async def expire(self, fence: Fence | None = None) -> int | None:
        """End the overrides whose time is over; when the next one ends, ms UTC, None without any.

        Their devices are compiled first: whoever is stopped in between finds the rest still to be done.
        """
        now = self.now()
        due = await self._db.read(lambda connection: overrides.due(connection, self.tenant, now))
        if due:
            await self.refresh(due, fence)

            def end(connection: Connection) -> None:
                if fence is not None:
                    held(connection, fence)
                overrides.expired(connection, self.tenant, now)

            await self._db.write(end)
            log.info("overrides on %d devices are over", len(due))
        return await self._db.read(lambda connection: overrides.next_end(connection, self.tenant))

    async def fleets(self, revisions: Collection[str]) -> dict[str, Fleet]:
        """The fleets of these revisions; one that left the repository is not among them."""
        async with self.lock:
            here = [one for one in sorted(revisions) if await self.mirror.ensure(one)]
            return {one: (await asyncio.to_thread(self.library.get, one)).fleet for one in here}

    async def renew(self, fence: Fence | None = None, at_once: int = 2_000) -> int:
        """Sign manifests again that are past half their life; how many. Commits come between each `at_once`."""
        renewed = 0
        while some := await self._renew_some(fence, at_once):
            renewed += some
            await asyncio.sleep(BREATH)
        return renewed

    async def _renew_some(self, fence: Fence | None, most: int) -> int:
        async with self.lock:           # a commit stored in between would be overwritten by its elder
            now = self.now()
            key = await asyncio.to_thread(lambda: self._issuer.key)
            found = await self._db.read(lambda connection: due(connection, self.tenant, now, key, most))
            rows = await asyncio.to_thread(self._issuer.issue, [(one, 0) for one in found])
            if rows:
                await self._db.write(
                    lambda connection: keep(connection, self.tenant, Change(renewed=rows), fence, now)
                )
                log.info("%d manifests were signed again", len(rows))
        return len(rows)

    async def decided(
        self, new: Loaded, before: InForce, devices: Collection[Device], tip: str | None, back: Verdict | None = None
    ) -> Decision:
        """What this fleet would do; plan and sync share it. Writes nothing. Hold the lock.

        `tip` is its commit, whose history may consent to deletions; None for files that were never committed.
        `back` is what signatures say about a revision that a person goes back to: then deletions need no consent.
        """
        signature = back
        if signature is None:
            signature = await self.verdict(tip, before) if tip else UNCHECKED
        get = await self.available(before, [before.base] if before.base else [])
        asked = Asked(new, before.standings, tuple(devices), frozenset(before.faults))
        decision = replace(await asyncio.to_thread(decide, asked, get), signature=signature)
        guards: tuple[str, ...] = (signature.reason,) if signature.checked == "refused" else ()
        if decision.outcome != "refused" and before.base is not None and back is None:
            guards += await self._guards(decision, before, before.base, new, tip, get)
        if not guards:
            return decision
        return replace(
            decision, outcome="refused", reason="; ".join(guards), guards=guards, standings=before.standings
        )

    async def verdict(self, tip: str, before: InForce) -> Verdict:
        """What signatures say about a commit, from what is in force."""
        return await self._verifier.verify(tip, Base(before.base, before.signer) if before.base else None)

    async def _guards(
        self, decision: Decision, before: InForce, base: str, new: Loaded, tip: str | None, get: Get
    ) -> tuple[str, ...]:
        past = {base, *self._revisions(before.standings)}
        here = {one for one in past if get(one) is not None}
        consents = await self.mirror.consents(tip, here) if tip else []
        standing = await asyncio.to_thread(stands, base, before.standings, get)
        if standing is None:
            return () if any(one.revision == tip for one in consents) else (UNKNOWN,)
        held = {name for name, customer in decision.standings.items() if customer.held}
        then = after(standing, new.fleet, held)
        asked = [partial(self._consented, one, standing, held) for one in consents]
        return await asyncio.to_thread(refusals, standing, then, asked)

    def _consented(self, consent: Consent, standing: Fleet, held: Collection[str]) -> Consented:
        fleet = self.library.get(consent.revision).fleet
        return Consented(after(standing, fleet, held), consent.allowed)

    async def bring(
        self,
        revision: str,
        before: InForce,
        devices: list[Device],
        fence: Fence | None,
        *,
        decision: Decision | None = None,
        pin: Pin | None = None,
        note: Note | None = None,
    ) -> SyncRequested:
        """Decide, sign, store and publish one commit. Hold the lock.

        `decision` is one that was made already, in the same hold of the lock. A commit that comes into force
        ends the pin before it; `pin` takes its place.
        """
        seen_at = self.now()
        commit = await self.mirror.commit(revision)
        try:
            new = await asyncio.to_thread(self.library.get, revision)
        except InputInvalid as unreadable:      # too many files, or trees that never end
            decision = Decision("refused", unreadable.message, standings=before.standings)
        else:
            self._stage("loaded")
            decision = decision or await self.decided(new, before, devices, revision)
        self._stage("compiled")
        by_id = {device.id: device for device in devices}
        results = {
            name: (revision, result)
            for name, result in decision.compiled.items()
            if decision.outcome != "refused"
        }
        seals = await self._sealing.seals(results)
        now = self.now()
        change = await asyncio.to_thread(self._issuer.changes, results, before, by_id, seals, now)
        self._stage("signed")
        keeping = self._revisions(decision.standings)
        change = await self._with_blobs(change, [revision, *keeping])
        reason = pin.told() if pin else await self._reason(decision, before, revision)
        change = replace(
            change,
            pin=pin, unpin=before.pin is not None and decision.outcome != "refused",
            note=note or told(commit, decision, reason, len(change.manifests)),
            rulebook=rulebook_of(self.library.get(revision).fleet) if decision.outcome != "refused" else None,
            standings=_moved(before.standings, decision.standings),
            gone=sorted(before.standings.keys() - decision.standings.keys()),
            revision=_row(commit, decision, reason, seen_at, now, len(change.manifests)),
        )
        if decision.outcome != "refused":
            keeping = {*keeping, revision}
        if before.base:                 # what a rollback goes back to, whatever becomes of the branch
            keeping = {*keeping, before.base}
        await self.mirror.keep({*keeping, *self._revisions(before.standings)})
        await self._store(change, fence, now)
        await self.mirror.keep(keeping)
        log.info("%s is %s: %d devices changed", revision[:12], decision.outcome, len(change.manifests))
        return SyncRequested(
            revision=revision, outcome=decision.outcome, reason=reason,
            devices_changed=len(change.manifests), faults=lines_of(decision.faults),
        )

    async def _store(self, change: Change, fence: Fence | None, now: int) -> None:
        def write(connection: Connection) -> None:
            keep(connection, self.tenant, change, fence, now)
            self._stage("storing")

        await self._db.write(write)
        self._stage("stored")
        if change.manifests:
            await self._bus.publish("manifest", [row.device for row in change.manifests])
        await self._bus.publish(IN_FORCE)
        self._stage("published")

    async def _with_blobs(self, change: Change, revisions: list[str]) -> Change:
        wanted = {digest for row in change.manifests for digest in row.named}
        if not wanted:
            return change
        stored = await self._db.read(lambda connection: stored_digests(connection, self.tenant))
        blobs = await asyncio.to_thread(self.library.contents, wanted - stored, revisions)
        return replace(change, blobs=blobs)

    async def available(self, before: InForce, more: Collection[str]) -> Callable[[str], Loaded | None]:
        """The library, for what is in force and `more`, as far as the repository still has it. Hold the lock."""
        wanted = {*self._revisions(before.standings), *more}
        here = {revision for revision in sorted(wanted) if await self.mirror.ensure(revision)}
        return lambda revision: self.library.get(revision) if revision in here else None

    async def _reason(self, decision: Decision, before: InForce, revision: str) -> str:
        reason = decision.reason
        newest = before.newest
        if newest is not None and not await self.mirror.contains(newest.revision, revision):
            rewritten = f"the branch was rewritten: it no longer holds {newest.revision[:12]}"
            reason = f"{reason}; {rewritten}" if reason else rewritten
        return plain(reason, 1000)

    async def look(self) -> tuple[InForce, list[Device]]:
        """What stands now, and the devices with their overrides, of one moment. Hold the lock."""
        now = self.now()

        def read(connection: Connection) -> tuple[InForce, list[Device]]:
            known = overrides.in_force(connection, self.tenant, now)
            devices = self._inventory.read(connection)
            return in_force(connection, self.tenant), overrides.overridden(devices, known)

        with uncollected():
            return await self._db.read(read)

    @staticmethod
    def _revisions(standings: Mapping[str, Standing]) -> set[str]:
        pairs: list[Pair] = [standing.pair for standing in standings.values() if standing.pair]
        return {revision for pair in pairs for revision in pair}


def _moved(
    before: Mapping[str, Standing], after: Mapping[str, Standing]
) -> dict[str, tuple[Standing, str]]:
    return {
        name: (replace(standing, reason=plain(standing.reason, 1000)), dumped(lines_of(standing.faults)))
        for name, standing in after.items()
        if before.get(name) != standing
    }


def _row(
    commit: Commit, decision: Decision, reason: str, seen_at: int, now: int, changed: int
) -> dict[str, str | int | None]:
    return {
        "revision": commit.revision, "parent": commit.parent,
        "author": plain(commit.author), "subject": plain(commit.subject),
        "seen_at": seen_at, "finished_at": now, "outcome": decision.outcome, "reason": reason,
        "devices_changed": changed, "faults": dumped(lines_of(decision.faults)),
        "signature": decision.signature.checked, "signer": decision.signature.signer,
    }
