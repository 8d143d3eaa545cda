"""`guru rollback`: a former revision into force at once, and the bad tree held. It needs the mirror, never Git."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from guru_policy.errors import Conflict, NotFound, Refused
from guru_server.clock import Clock
from guru_server.gitops.verifying import Verdict
from guru_server.identity.people import actor_named
from guru_server.leases import Fence
from guru_server.reconcile.pinning import GOOD, Held, Pin, good_before
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.store import InForce, Note, revision_row
from guru_server.store.database import Database
from guru_wire.operator import RevisionRow, SyncRequested
from guru_wire.planning import RollbackRequest

log = logging.getLogger("guru.reconcile")


async def roll_back(
    db: Database, reconciler: Reconciler, request: RollbackRequest, actor: str, fence: Fence | None, now: Clock,
    whence: Mapping[str, str] | None = None,
) -> SyncRequested:
    """Bring a revision that was in force before into force again, and hold what is in force now.

    Deletions need no consent: it is a person who goes back. Conflict when it is in force already, NotFound when
    there is nothing to go back to or it left the repository, Refused when its files have faults.
    """
    tenant = reconciler.tenant
    async with reconciler.lock:
        before, devices = await reconciler.look()
        if before.base is None:
            raise NotFound("nothing is in force yet", hint="`guru status` tells more")
        target = request.revision or await db.read(
            lambda connection: good_before(connection, tenant, before.base, before.pin)
        )
        if target is None:
            raise NotFound("no revision was in force before this one", hint="`guru revision list` shows them")
        if target == before.base:
            raise Conflict(f"{target[:12]} is in force already", hint="`guru revision list` shows the others")
        row = await db.read(lambda connection: revision_row(connection, tenant, target))
        if row is None or row.outcome not in GOOD:
            why = "was refused when it was last tried" if row else "was never in force here"
            raise NotFound(f"{target[:12]} {why}", hint="`guru revision list` shows what was in force")
        if not await reconciler.mirror.ensure(target):
            raise NotFound(f"{target[:12]} left the repository", hint="`guru revision list` shows the others")
        bad = Held(before.base, await reconciler.mirror.tree_of(before.base))
        tree = await reconciler.mirror.tree_of(target)
        others = before.pin.held if before.pin else ()
        held = tuple(one for one in (*others, bad) if one.tree != tree)
        pin = Pin(target, held, actor, request.reason, now())
        new = await asyncio.to_thread(reconciler.library.get, target)
        decision = await reconciler.decided(new, before, devices, target, await _signature(reconciler, row, before))
        if decision.outcome == "refused":
            raise Refused(f"{target[:12]} may not come into force: {decision.reason}")
        log.warning("%s", pin.told())
        note = Note(actor_named(actor), "RolledBack", f"revision:{target}", f"from {before.base}: {request.reason}",
                    revision=target, **(whence or {}))
        return await reconciler.bring(target, before, devices, fence, decision=decision, pin=pin, note=note)


async def _signature(reconciler: Reconciler, row: RevisionRow, before: InForce) -> Verdict:
    """Who vouched for the revision when it came into force; one that nobody vouched for is judged as a sync would."""
    if row.signature == "verified":
        return Verdict("verified", row.signer)
    return await reconciler.verdict(row.revision, before)
