"""The alerts' part of the API: list them. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from guru_server.alerts.store import alerts
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.store.database import Database
from guru_wire.alerting import AlertRow
from guru_wire.operator import Page


def router(db: Database) -> APIRouter:
    """The guarded routes."""
    router = APIRouter(tags=["alerts"])

    @router.get("/alerts")
    @needs("alert.read", of="devices")
    async def listed(
        rights: Asking,
        state: Literal["pending", "firing", "resolved", "all"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Page[AlertRow]:
        """Alerts, the newest first; without a state, those that have not ended."""
        sight = await rights.sight("alert.read")
        return await db.read(lambda connection: alerts(connection, state, limit, cursor, sight))

    return router
