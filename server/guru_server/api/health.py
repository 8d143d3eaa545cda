"""Health, for load balancers, and doctor, for people. Looks only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from sqlalchemy import Connection, text

from guru_policy.errors import GuruError, Unreachable
from guru_server.api.late import late_router
from guru_server.rights.declaring import needs
from guru_server.store.database import Database
from guru_wire.health import Diagnosis, Doctor

Probe = Callable[[], Awaitable[Diagnosis]]
PATIENCE = 5.0                          # seconds one probe may take


@dataclass(frozen=True, slots=True)
class Health:
    """What the routes ask."""

    db: Database
    probes: Sequence[Probe]


def public_router(health: Health) -> APIRouter:
    """Whether this process can answer."""
    router = late_router(tags=["server"])

    @router.get("/health")
    async def healthy() -> dict[str, bool]:
        """Ok when the database answers; a problem with 503 when not."""
        try:
            await asyncio.wait_for(health.db.read(_answers), 10)
        except TimeoutError as cause:
            raise Unreachable("the database does not answer in time") from cause
        return {"ok": True}

    return router


def router(health: Health) -> APIRouter:
    """The server's own view of its health."""
    router = late_router(tags=["server"])

    @router.get("/doctor")
    @needs("server.read", of="organisation")
    async def doctor() -> Doctor:
        """Every probe's finding."""
        return Doctor(lines=tuple(await asyncio.gather(*(_look(probe) for probe in health.probes))))

    return router


def _answers(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


async def _look(probe: Probe) -> Diagnosis:
    name = getattr(probe, "__name__", "probe")
    try:
        return await asyncio.wait_for(probe(), PATIENCE)
    except TimeoutError:
        return Diagnosis(name=name, ok=False, message="no answer in time", fix="look at the server's log")
    except GuruError as error:
        return Diagnosis(name=name, ok=False, message=error.message, fix=error.hint)
    except (OSError, ValueError) as error:
        return Diagnosis(name=name, ok=False, message=f"it cannot be looked at: {error}", fix="look at the data folder")
