"""What people do to what is in force, under /api/v1: apply a plan, roll back. It is thin, and each deed is audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from guru_policy.errors import GuruError, Unreachable
from guru_server.api.late import late_router
from guru_server.audit.log import Deed, append
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in, whence
from guru_server.leases import Fence
from guru_server.reconcile.api import Desk
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.rolling_back import roll_back
from guru_server.rights.declaring import needs
from guru_wire.operator import SyncRequested
from guru_wire.planning import ExactPlan, RollbackRequest

Who = Annotated[Person, Depends(signed_in)]


def deeds(desk: Desk) -> APIRouter:
    """The router, without authentication: the app puts it in front."""
    router = late_router(tags=["reconcile"])

    @router.post("/applications")
    @needs("policy.apply", of="organisation")
    async def post_application(plan: ExactPlan, who: Who, asked: Request) -> SyncRequested:
        """Bring a saved plan into force, exactly or not at all."""
        async def deed(fence: Fence) -> SyncRequested:
            return await apply_plan(desk.reconciler, plan, who.spoken, fence, whence(asked))

        told = Deed(who.actor, "PlanRefused", f"revision:{plan.target}", revision=plan.target)
        return await _done(desk, deed, told._replace(**whence(asked)))

    @router.post("/rollbacks")
    @needs("policy.apply", of="organisation")
    async def post_rollback(request: RollbackRequest, who: Who, asked: Request) -> SyncRequested:
        """Bring a former revision into force, and hold the present one."""
        async def deed(fence: Fence) -> SyncRequested:
            return await roll_back(desk.db, desk.reconciler, request, who.spoken, fence, desk.now, whence(asked))

        target = request.revision or ""
        told = Deed(who.actor, "RollbackRefused", f"revision:{target or 'before'}", revision=target)
        return await _done(desk, deed, told._replace(**whence(asked)))

    return router


async def _done(desk: Desk, deed: Callable[[Fence], Awaitable[SyncRequested]], refused: Deed) -> SyncRequested:
    """What came of the deed; when nothing did, `refused` goes to the audit log with the reason."""
    try:
        return await desk.watch.deliberate(deed)
    except GuruError as error:
        told, now = refused._replace(result=error.message), desk.now()
        with suppress(Unreachable):     # the first error is the one to show
            await desk.db.write(lambda connection: append(connection, now, [told], desk.tenant))
        raise
