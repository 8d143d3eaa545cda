"""One or a few routers behind the real gate, asked by somebody with an admin's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter

from guru_policy.access.asking import Circumstances, Subject
from guru_server.api.app import make_app
from guru_server.clock import SetClock
from guru_server.identity import people
from guru_server.identity.signing_in import Door
from guru_server.in_force import InForce
from guru_server.rights.asking import Known, Rights
from guru_server.rights.holding import Holding
from guru_server.rights.store import NOTHING
from guru_server.store.database import Database
from guru_server.store.schema import TENANT


@asynccontextmanager
async def admitted(db: Database, *routers: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose paths begin below /api/v1."""
    clock = SetClock()
    app = make_app(Door(db, clock, InForce(db, None).decisive), guarded=routers, public=[])
    token = await db.write(lambda connection: people.create(
        connection, TENANT, "root", "admin", now=clock(), ttl=None, actor="test"
    ))
    headers, base = {"authorization": f"Bearer {token}"}, "https://guru.example/api/v1"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, headers=headers) as client:
        yield client


def an_admins_rights(name: str) -> Rights:
    """What somebody with an admin's token may do, for what is called without HTTP."""
    async def unknown() -> Known:
        return lambda _: None

    names = frozenset({f"user:{name}"})
    grants = Holding().grants(NOTHING, names, "admin")
    return Rights(f"person:{name}", Subject(names), grants, NOTHING, Circumstances(0), unknown)
