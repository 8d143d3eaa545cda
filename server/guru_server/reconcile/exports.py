"""What is in force, given away as files under /api/v1/exports; it is thin and writes nothing.

It is about the whole organisation: who may see a part of it gets nothing. Whoever may plan there sees the list, and
contents take `policy.read`.
"""

from __future__ import annotations

from fastapi import APIRouter

from guru_server.api.late import late_router
from guru_server.cursors import Paged
from guru_server.reconcile.api import Desk
from guru_server.reconcile.exporting import Exporter
from guru_server.rights.declaring import needs
from guru_wire.exporting import Contents, ContentsRequest, Export


def exports(desk: Desk) -> APIRouter:
    """The router, without authentication: the app puts it in front."""
    router = late_router(tags=["reconcile"])
    exporter = Exporter(desk.db, desk.reconciler.mirror, desk.tenant)

    @router.get("/exports")
    @needs("policy.plan", of="organisation")
    async def get_export(paging: Paged) -> Export:
        """The files in force, some at a time."""
        return await exporter.page(paging)

    @router.post("/exports/contents")
    @needs("policy.read", of="organisation")
    async def post_contents(request: ContentsRequest) -> Contents:
        """What some of them hold."""
        return await exporter.contents(request.state, request.blobs)

    return router
