"""Who sends a request and whether they may: the one place where the API asks. Tokens are never logged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from fastapi import Request

from guru_policy.errors import NotSignedIn, Refused, Unreachable
from guru_server.clock import Clock
from guru_server.identity.people import Person, may, note_use, sign_in
from guru_server.identity.rates import Rates
from guru_server.identity.sightings import Sightings
from guru_server.origins import origin_of
from guru_server.store.database import Database
from guru_server.store.schema import TENANT

MOST = 200                              # characters of a token


@dataclass(frozen=True, slots=True)
class Door:
    """What every guarded route depends on; `main` makes one and the application factory puts it in front."""

    db: Database
    clock: Clock
    failures: Rates = field(default_factory=lambda: Rates(burst=20, rate=0.2))
    sightings: Sightings | None = None

    async def __call__(self, request: Request) -> None:
        """Keep who is there in request.state.person; NotSignedIn or Refused for whoever may not.

        Only wrong tokens are counted against their address, and a good one always passes: else anybody behind
        the same router or balancer could lock everybody out. Tokens have 256 bits; guessing needs no brake.
        """
        now, address = self.clock(), address_of(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MOST:
            raise NotSignedIn("this needs a token", hint="sign in: `guru login`")
        try:
            person = await self.db.read(lambda connection: sign_in(connection, TENANT, token, now))
        except NotSignedIn as error:
            if self.sightings:
                await self.sightings.refused(request, address, "SignInFailed", "token", error)
            self.failures.take(address, now)
            raise
        if self.sightings:
            await self.sightings.seen(request, address, person)
        if person.note_use:
            with suppress(Unreachable):     # a full disk keeps nobody from looking
                await self.db.write(lambda connection: note_use(connection, TENANT, person.token, now))
        if not may(person.role, request.method, request.url.path):
            raise Refused(
                f"{person.name} has the role {person.role}, which may not do this",
                hint="ask an admin: `guru-server token create NAME --role operator`",
            )
        request.state.person = person


def signed_in(request: Request) -> Person:
    """A dependency for guarded routes: who sent this request."""
    person: Person = request.state.person
    return person


def whence(request: Request) -> dict[str, str]:
    """The request's id and the address it came from, for the audit log."""
    return {"request": request.scope.get("guru.request", ""), "address": address_of(request)}


def address_of(request: Request) -> str:
    """The peer's address; an IPv6 network of 64 bits counts as one."""
    return origin_of(request.client.host if request.client else "")
