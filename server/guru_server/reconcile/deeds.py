"""What people do to what is in force, under /api/v1: apply a plan, roll back. It is thin, and each deed is audited."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends

from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
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
    router = APIRouter(tags=["reconcile"])

    @router.post("/applications")
    @needs("policy.apply", of="organisation")
    async def post_application(plan: ExactPlan, who: Who) -> SyncRequested:
        """Bring a saved plan into force, exactly or not at all."""
        return await desk.watch.deliberate(partial(apply_plan, desk.reconciler, plan, who.spoken))

    @router.post("/rollbacks")
    @needs("policy.apply", of="organisation")
    async def post_rollback(request: RollbackRequest, who: Who) -> SyncRequested:
        """Bring a former revision into force, and hold the present one."""
        async def deed(fence: Fence) -> SyncRequested:
            return await roll_back(desk.db, desk.reconciler, request, who.spoken, fence, desk.now)

        return await desk.watch.deliberate(deed)

    return router
