"""Identity's part of the API: who am I, trust, enrolment and its tokens. It decides nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from guru_policy.errors import GuruError, InputInvalid
from guru_policy.objects.scopes import Scope
from guru_server.api.late import late_router
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import Paged
from guru_server.identity import enrolling
from guru_server.identity.people import Person
from guru_server.identity.rates import Rates
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of, signed_in
from guru_server.keys.keys import ServerKeys
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.rights.telling import roles_held
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.admission import EnrolTokenRequest, EnrolTokenRow
from guru_wire.enrolment import EnrolmentAnswer, EnrolmentRequest, EnrolmentToken, Trust, write_token
from guru_wire.operator import EnrolTokenCreated, Page, WhoAmI
from guru_wire.version import VERSION

Who = Annotated[Person, Depends(signed_in)]


@dataclass(frozen=True, slots=True)
class Identity:
    """What identity's routes work with."""

    db: Database
    bus: Bus
    clock: Clock
    keys: ServerKeys
    url: str                            # what agents dial
    places: enrolling.Places
    admissions: enrolling.Admissions
    knocks: Rates = field(default_factory=lambda: Rates(burst=200, rate=5.0))
    sightings: Sightings | None = None


def public_router(identity: Identity) -> APIRouter:
    """Trust and enrolment: no token of a person is needed."""
    router = late_router(tags=["enrolment"])

    @router.get("/trust")
    async def trust() -> Trust:
        """The server's CA and keys; worth nothing until checked against an enrolment token's pins."""
        return identity.keys.trust

    @router.post("/enrol")
    async def enrol(ask: EnrolmentRequest, request: Request) -> EnrolmentAnswer:
        """Spend an enrolment token and make a device."""
        now = identity.clock()
        identity.knocks.take(address_of(request), now)
        address, peer = address_of(request), request.client.host if request.client else ""
        try:
            enrolling.check_proof(ask)
            places, admission = await identity.places(), await identity.admissions()
            joined = await identity.db.write(
                lambda connection: enrolling.join(
                    connection, whose(connection), ask, now=now, places=places, admission=admission,
                    address=address, peer=peer,
                )
            )
        except GuruError as error:
            if identity.sightings:
                await identity.sightings.refused(request, address, "EnrolmentRefused", "enrolment-token", error)
            raise
        await identity.bus.publish("inventory", {joined.id})
        keys = identity.keys.trust
        return EnrolmentAnswer(
            device=joined.id, name=joined.name, customer=joined.place.customer, site=joined.place.site,
            state_key=keys.state_key, link_key=keys.link_key, approved=not joined.held,
        )

    return router


def router(identity: Identity) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["identity"])

    @router.get("/whoami")
    @needs(None, of="oneself")
    async def whoami(person: Who, rights: Asking) -> WhoAmI:
        """Who the token is, and what it may do where."""
        return WhoAmI(
            name=person.name, tenant=identity.db.tenant, role=person.role, server_version=VERSION, kind=person.kind,
            expires_at=person.expires_at, roles=roles_held(rights), verbs=person.limits.verbs,
            scope=person.limits.scope, revision=rights.grants.revision,
        )

    @router.post("/enrolment-tokens", status_code=201)
    @needs("device.enroll", of="place")
    async def create(ask: EnrolTokenRequest, person: Who, rights: Asking) -> EnrolTokenCreated:
        """A new enrolment token; its text is shown this once."""
        where = Scope("site", ask.customer, ask.site)
        rights.require_scope(None, "device.enroll", where)      # before it is told whether the place exists
        enrolling.check_place(ask.customer, ask.site, await identity.places())
        url = ask.url or identity.url
        if not url.startswith("https://") or len(url) > 500:
            raise InputInvalid("agents dial a URL of the form https://host:port", hint="leave `url` out")
        now = identity.clock()

        def make(connection: Connection) -> tuple[str, EnrolTokenRow]:
            rights.require_scope(connection, "device.enroll", where)
            for verb in enrolling.verbs_for(ask, rights.book):
                rights.require_scope(connection, verb, where)
            return enrolling.create(connection, whose(connection), ask, now=now, by=person)

        secret, row = await identity.db.write(make)
        token = EnrolmentToken(
            url=url, ca=identity.keys.ca_pin, root=identity.keys.root_pin, id=row.id, secret=secret
        )
        return EnrolTokenCreated(token=write_token(token), row=row)

    @router.get("/enrolment-tokens")
    @needs("device.enroll", of="devices")
    async def tokens(
        rights: Asking, paging: Paged, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> Page[EnrolTokenRow]:
        """The enrolment tokens, the newest first."""
        sight = await rights.sight("device.enroll")
        rows = await identity.db.read(lambda connection: enrolling.listed(connection, whose(connection), sight))
        page, after = paging.cut(rows, limit, lambda row: (-row.created_at, row.id))
        return Page[EnrolTokenRow](items=page, total=len(rows), next=after)

    @router.delete("/enrolment-tokens/{token_id}")
    @needs("device.enroll", of="devices")
    async def revoke(token_id: str, rights: Asking) -> EnrolTokenRow:
        """End an enrolment token; devices that it let in stay."""
        now, sight = identity.clock(), await rights.sight("device.enroll")
        return await identity.db.write(lambda connection: enrolling.revoke(
            connection, whose(connection), token_id, now=now, rights=rights, sight=sight
        ))

    return router
