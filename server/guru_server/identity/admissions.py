"""The API about devices that are held, and about their keys. Every decision is in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from guru_policy.errors import Conflict
from guru_server.api.late import late_router
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import Paged
from guru_server.fleet.holding import ask_rotation
from guru_server.fleet.reading import resolve
from guru_server.identity import admitting
from guru_server.identity.admitting import Standing
from guru_server.identity.signing_in import whence
from guru_server.rights.asking import Asking, ruled
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.admission import Approval, Denial, KeyRotation, PendingRow, Quarantine, Release
from guru_wire.operator import Admitted, Page

Deciding = Callable[[Connection, Standing], Admitted]
VERB = "device.approve"
Limit = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """What these routes work with."""

    db: Database
    bus: Bus
    clock: Clock

    async def decide(
        self, rights: Asking, request: Request, ref: str, action: str, work: Deciding, said: str = ""
    ) -> Admitted:
        """Find the device, ask for the right, do it and note it, in one transaction; then tell the gateways."""
        now = self.clock()
        reading, deciding = await rights.sight("device.read"), await rights.sight(VERB)
        touched: set[str] = set()

        def change(connection: Connection) -> Admitted:
            one = admitting.of(connection, whose(connection), resolve(connection, whose(connection), ref, reading))
            about = f"device:{one.device.id}"
            decision = deciding.require(connection, [one.device], about)
            told = work(connection, one)
            record(connection, now, rights.actor, action, about, said or told.name, device=told.device,
                   customer=told.customer, **ruled(decision), **whence(request))
            touched.add(told.device)
            return told

        told = await self.db.write(change)
        await self._tell(touched)
        return told

    async def approve(self, ask: Approval, rights: Asking, request: Request) -> Admitted:
        """Let it in, as a new device or in the place of an old one."""
        now, replaced = self.clock(), set[str]()
        reading, deciding = await rights.sight("device.read"), await rights.sight(VERB)

        def work(connection: Connection, one: Standing) -> Admitted:
            if not ask.takes_over:
                return admitting.approve(connection, whose(connection), one, now)
            old = admitting.of(
                connection, whose(connection), resolve(connection, whose(connection), ask.takes_over, reading))
            deciding.require(connection, [old.device], f"device:{old.device.id}")
            replaced.add(old.device.id)
            return admitting.take_over(connection, whose(connection), one, old, now)

        said = f"in the place of {ask.takes_over}" if ask.takes_over else ""
        told = await self.decide(rights, request, ask.device, "DeviceApproved", work, said)
        await self._tell(replaced)
        return told

    async def _tell(self, devices: set[str]) -> None:
        await self.bus.publish("revoked", devices)
        await self.bus.publish("inventory", devices)
        await self.bus.publish("checks", devices)


def router(gate: Gatehouse) -> APIRouter:
    """The routes. References come in bodies: they may hold slashes."""
    router = late_router(tags=["admissions"], prefix="/admissions")

    @router.get("")
    @needs("device.read", of="devices")
    async def held(rights: Asking, paging: Paged, limit: Limit = 200) -> Page[PendingRow]:
        """The devices that wait to be let in or are in quarantine."""
        sight = await rights.sight("device.read")
        rows = await gate.db.read(lambda connection: admitting.waiting(connection, whose(connection), sight))
        page, after = paging.cut(rows, limit, lambda row: (-row.since, row.id))
        return Page[PendingRow](items=page, total=len(rows), next=after)

    @router.post("/approvals")
    @needs(VERB, of="devices")
    async def approve(ask: Approval, rights: Asking, request: Request) -> Admitted:
        """Let a device in."""
        return await gate.approve(ask, rights, request)

    @router.post("/denials")
    @needs(VERB, of="devices")
    async def deny(ask: Denial, rights: Asking, request: Request) -> Admitted:
        """Keep a device out for good."""
        now = gate.clock()
        return await gate.decide(rights, request, ask.device, "DeviceDenied",
                                 lambda c, one: admitting.deny(c, whose(c), one, now), ask.reason)

    @router.post("/quarantines")
    @needs(VERB, of="devices")
    async def quarantine(ask: Quarantine, rights: Asking, request: Request) -> Admitted:
        """Hold a device of the fleet."""
        now, why = gate.clock(), ask.reason or "somebody put it there"
        return await gate.decide(
            rights, request, ask.device, "DeviceQuarantined",
            lambda connection, one: admitting.quarantine(connection, whose(connection), one, why, now), ask.reason,
        )

    @router.post("/releases")
    @needs(VERB, of="devices")
    async def release(ask: Release, rights: Asking, request: Request) -> Admitted:
        """End a quarantine."""
        now = gate.clock()
        return await gate.decide(rights, request, ask.device, "DeviceReleased",
                                 lambda connection, one: admitting.release(connection, whose(connection), one, now))

    @router.post("/key-rotations")
    @needs(VERB, of="devices")
    async def rotate(ask: KeyRotation, rights: Asking, request: Request) -> Admitted:
        """Have a device make a new key: now when it is linked, else when it comes back."""
        now = gate.clock()

        def work(connection: Connection, one: Standing) -> Admitted:
            if one.held:
                raise Conflict(f"{one.device.name} is {one.held}: its key changes once it is let in")
            ask_rotation(connection, whose(connection), one.device.id, now)
            return admitting.admitted(connection, whose(connection), one.device.id)

        return await gate.decide(rights, request, ask.device, "KeyRotationAsked", work)

    return router
