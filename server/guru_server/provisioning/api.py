"""SCIM 2.0 below /scim/v2: what identity providers ask and change (RFC 7644). It decides nothing itself.

The routes stand outside of the OpenAPI document: SCIM has a description of its own, which these routes serve.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, Refused
from guru_server.api.app import Beside
from guru_server.api.late import late_router
from guru_server.api.problems import TooLarge
from guru_server.clock import Clock
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in, whence
from guru_server.provisioning.asking import Ask, Deed, Told
from guru_server.provisioning.dress import MEDIA_TYPE, PREFIX, Dressed, error_body
from guru_server.provisioning.keeping import Keeper
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database

MOST_BODY = 1 << 20                     # bytes
Who = Annotated[Person, Depends(signed_in)]
Ident = Annotated[str, Path(max_length=200)]


@dataclass(frozen=True, slots=True)
class Desk:
    """One tenant's; `base` is where SCIM is as providers know it."""

    db: Database
    clock: Clock
    base: str

    async def answer(self, request: Request, person: Person, rights: Rights, deed: Deed, ident: str = "") -> Response:
        """What the deed answers, which is done in one transaction; errors that SCIM has a word for in that word."""
        book = rights.book
        provider = book.provisioner(person.name) if person.kind == "key" else None
        if provider is None:
            raise Refused(f"{person.spoken} comes for no identity provider",
                          hint="`provisioning.key` of one IdentityProvider in the repository names the API key")
        await asyncio.to_thread(_learn)
        from scim2_models import Error, SCIMException

        from guru_server.provisioning.working import done

        ask = Ask(self.base, request.method, request.url.path.removeprefix(f"{PREFIX}/").partition("/")[0], ident,
                  dict(request.query_params), await _body(request), request.headers.get("if-match"))

        def work(connection: Connection) -> Told:
            who = Keeper(whose(connection), provider, book, person.actor, self.clock(), whence(request))
            return done(deed, connection, who, ask)

        try:
            told = await (self.db.read(work) if request.method == "GET" else self.db.write(work))
        except SCIMException as error:
            return _refused(error.to_error())
        except ValidationError as error:
            return _refused(Error.from_validation_errors(error)[0])
        except RecursionError as error:
            raise InputInvalid("this is too deep to be read") from error
        headers = {name: value for name, value in (("etag", told.version), ("location", told.place)) if value}
        return Response(told.text or None, told.status, headers, MEDIA_TYPE if told.text else None)


def beside(db: Database, clock: Clock, url: str) -> Beside:
    """The routes of a server at `url`, with where they are and what their errors look like."""
    return Beside(PREFIX, router(Desk(db, clock, url + PREFIX)), Dressed)


def router(desk: Desk) -> APIRouter:
    """The guarded routes, without the prefix."""
    router = late_router(described=False)
    _route_description(router, desk)
    _route_people(router, desk)
    _route_groups(router, desk)
    return router


def _route_description(router: APIRouter, desk: Desk) -> None:
    @router.get("/ServiceProviderConfig")
    @needs("user.provision", of="organisation")
    async def config(request: Request, person: Who, rights: Asking) -> Response:
        """What of SCIM is served."""
        return await desk.answer(request, person, rights, "config")

    @router.post("/.search")
    @router.post("/Bulk")
    @needs("user.provision", of="organisation")
    async def elsewhere(request: Request, person: Who, rights: Asking) -> Response:
        """Several changes at once, and a search over everything, are not served."""
        return await desk.answer(request, person, rights, "not-served")

    @router.get("/Schemas")
    @router.get("/ResourceTypes")
    @needs("user.provision", of="organisation")
    async def described(request: Request, person: Who, rights: Asking) -> Response:
        """What is known of people and groups, and where they are."""
        return await desk.answer(request, person, rights, "described")

    @router.get("/Schemas/{ident}")
    @router.get("/ResourceTypes/{ident}")
    @needs("user.provision", of="organisation")
    async def one(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """One of them."""
        return await desk.answer(request, person, rights, "described-one", ident)


def _route_people(router: APIRouter, desk: Desk) -> None:
    @router.get("/Users")
    @router.post("/Users/.search")
    @needs("user.provision", of="organisation")
    async def listed(request: Request, person: Who, rights: Asking) -> Response:
        """Those whom the provider keeps here."""
        return await desk.answer(request, person, rights, "people")

    @router.post("/Users")
    @needs("user.provision", of="organisation")
    async def create(request: Request, person: Who, rights: Asking) -> Response:
        """Keep somebody new."""
        return await desk.answer(request, person, rights, "new-person")

    @router.get("/Users/{ident}")
    @needs("user.provision", of="organisation")
    async def show(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """One of them."""
        return await desk.answer(request, person, rights, "person", ident)

    @router.put("/Users/{ident}")
    @router.patch("/Users/{ident}")
    @needs("user.provision", of="organisation")
    async def change(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """Replace somebody, or parts of what is kept of them."""
        return await desk.answer(request, person, rights, "change-person", ident)

    @router.delete("/Users/{ident}")
    @needs("user.provision", of="organisation")
    async def remove(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """Keep somebody no more."""
        return await desk.answer(request, person, rights, "remove-person", ident)


def _route_groups(router: APIRouter, desk: Desk) -> None:
    @router.get("/Groups")
    @router.post("/Groups/.search")
    @needs("user.provision", of="organisation")
    async def listed(request: Request, person: Who, rights: Asking) -> Response:
        """The provider's groups."""
        return await desk.answer(request, person, rights, "groups")

    @router.post("/Groups")
    @needs("user.provision", of="organisation")
    async def create(request: Request, person: Who, rights: Asking) -> Response:
        """A new group."""
        return await desk.answer(request, person, rights, "new-group")

    @router.get("/Groups/{ident}")
    @needs("user.provision", of="organisation")
    async def show(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """One of them, with who is in it."""
        return await desk.answer(request, person, rights, "group", ident)

    @router.put("/Groups/{ident}")
    @router.patch("/Groups/{ident}")
    @needs("user.provision", of="organisation")
    async def change(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """Replace a group, or change who is in it."""
        return await desk.answer(request, person, rights, "change-group", ident)

    @router.delete("/Groups/{ident}")
    @needs("user.provision", of="organisation")
    async def remove(ident: Ident, request: Request, person: Who, rights: Asking) -> Response:
        """Take a group away."""
        return await desk.answer(request, person, rights, "remove-group", ident)


def _learn() -> None:
    """Import what knows SCIM: half a second, once, and not while the others wait."""
    from guru_server.provisioning import working  # noqa: F401


def _refused(error: object) -> Response:
    status = int(getattr(error, "status", None) or 400)
    detail, kind = str(getattr(error, "detail", None) or ""), str(getattr(error, "scim_type", None) or "")
    return Response(error_body(status, detail, kind), status, media_type=MEDIA_TYPE)


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MOST_BODY:
        raise TooLarge(f"the body is larger than {MOST_BODY >> 10} KiB", hint="send less at once")
    return body
