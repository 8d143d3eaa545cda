"""Passkeys by the API: what the page asks for, and one's own passkeys. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from guru_policy.errors import GuruError, InputInvalid, NotFound, NotSignedIn, Refused
from guru_server.accounts import accounts, attempts, sessions
from guru_server.accounts.attempts import Attempt, Wish
from guru_server.accounts.browser_page import POLICY, QUIET_POLICY, Words, passkey_page, told_page
from guru_server.accounts.lobby import Lobby
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.identity.people import Person
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of, signed_in
from guru_server.passkeys import keeping
from guru_server.passkeys.keeping import Made, Passkey
from guru_server.rights.declaring import needs
from guru_wire.operator import Page
from guru_wire.sign_ins import (
    AttemptBegun,
    AttemptRedeemed,
    Ceremony,
    CeremonyAsked,
    CeremonyDone,
    Onwards,
    PasskeyAsked,
    PasskeySeen,
)

Who = Annotated[Person, Depends(signed_in)]
Ident = Annotated[str, Path(pattern=r"^[0-9a-f]{6,64}$")]
FRESH = 600_000                         # ms that a second factor counts as fresh


def pages(lobby: Lobby) -> list[Route]:
    """The page for browsers, outside of the API."""
    desk = lobby.desk

    async def page(request: Request) -> Response:
        ident, now = request.query_params.get("attempt", "")[:64], desk.clock()
        try:
            lobby.looks.take(address_of(request), now)
            found = await desk.db.write(lambda connection: attempts.find(
                connection, desk.tenant, ident, "passkey", "register", now=now))
        except GuruError as error:
            told = told_page("This does not go on", f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}")
            return HTMLResponse(told, 404, {"content-security-policy": QUIET_POLICY})
        return HTMLResponse(passkey_page(found.id, _words(found)), headers={
            "content-security-policy": POLICY, "cross-origin-opener-policy": "same-origin"})

    return [Route("/auth/passkey", page, methods=["GET"], include_in_schema=False)]


def public_router(lobby: Lobby, sightings: Sightings | None = None) -> APIRouter:
    """What the page sends, for nobody is signed in yet."""
    router, desk = late_router(tags=["sign-in"]), lobby.desk

    @router.post("/sign-in/passkey/ceremony")
    async def ceremony(ask: CeremonyAsked, request: Request) -> Ceremony:
        """What the authenticator is asked for an attempt that a client began."""
        from guru_server.passkeys import ceremonies

        site, now = ceremonies.site_of(lobby.url), desk.clock()
        lobby.looks.take(address_of(request), now)

        def work(connection: Connection) -> Ceremony:
            found = attempts.find(connection, desk.tenant, ask.attempt, "passkey", "register", now=now)
            begun = (ceremonies.begin_sign_in(connection, desk.tenant, site, now=now) if found.way == "passkey" else
                     ceremonies.begin_registration(connection, desk.tenant, site, found.name, now=now))
            return Ceremony(ceremony=begun.id, register_one=found.way == "register", options=begun.options)

        return await desk.db.write(work)

    @router.post("/sign-in/passkey/answer")
    async def answer(ask: CeremonyDone, request: Request) -> Onwards:
        """What the authenticator answered; the browser then brings a code to the client that began."""
        from guru_server.passkeys import ceremonies

        site, now, address = ceremonies.site_of(lobby.url), desk.clock(), address_of(request)
        desk.brakes.check_passkey(address, now)

        def work(connection: Connection) -> str | GuruError:
            found = attempts.find(connection, desk.tenant, ask.attempt, "passkey", "register", now=now)
            if found.way == "register":
                made = ceremonies.register(
                    connection, desk.tenant, site, found.name, ask.ceremony, ask.answer, now=now)
                return made if isinstance(made, GuruError) else attempts.finish(
                    connection, desk.tenant, found, found.name, {**found.details, "made": list(made)}, None)
            shown = ceremonies.sign_in(connection, desk.tenant, site, ask.ceremony, ask.answer, now=now)
            if isinstance(shown, GuruError):
                return shown
            desk.admit(accounts.get(connection, desk.tenant, shown.name),
                       desk.holding.book(connection, desk.tenant))
            return attempts.finish(connection, desk.tenant, found, shown.name, {}, now)

        done = await desk.db.write(work)
        if isinstance(done, GuruError):
            desk.brakes.no_passkey(address, now)
            if sightings and isinstance(done, NotSignedIn):
                await sightings.refused(request, address, "SignInFailed", "passkey", done)
            raise done
        return Onwards(location=done)

    return router


def router(lobby: Lobby) -> APIRouter:
    """One's own passkeys."""
    router, desk = late_router(tags=["sign-in"]), lobby.desk
    _route_making(router, lobby)

    @router.get("/account/passkeys")
    @needs(None, of="oneself")
    async def listed(
        person: Who, paging: Paged, limit: Rows = EVERY
    ) -> Page[PasskeySeen]:
        """One's own passkeys, the oldest first."""
        rows = await desk.db.read(lambda connection: keeping.passkeys(connection, desk.tenant, person.name))
        mine = rows if person.session else []
        page, after = paging.cut(mine, limit, lambda one: (one.created_at, one.id))
        return Page[PasskeySeen](items=tuple(map(_seen, page)), total=len(mine), next=after)

    @router.delete("/account/passkeys/{ident}")
    @needs(None, of="oneself")
    async def forget(ident: Ident, person: Who) -> PasskeySeen:
        """Remove one of one's own passkeys, by the beginning of its id."""
        now = desk.clock()

        def work(connection: Connection) -> Passkey:
            _may_change(lobby, connection, person, now)
            return keeping.forget(connection, desk.tenant, person.name, ident, now=now, actor=person.actor)

        return _seen(await desk.db.write(work))

    return router


def _route_making(router: APIRouter, lobby: Lobby) -> None:
    """A passkey that is made in the browser."""
    desk = lobby.desk

    @router.post("/account/passkeys/attempts", status_code=201)
    @needs(None, of="oneself")
    async def begin(ask: PasskeyAsked, person: Who, request: Request) -> AttemptBegun:
        """The page on which a passkey is made; it counts once its code came back to the client."""
        from guru_server.passkeys.ceremonies import site_of

        now, address = desk.clock(), address_of(request)
        site_of(lobby.url)

        def work(connection: Connection) -> Attempt:
            _may_change(lobby, connection, person, now)
            return attempts.begin(connection, desk.tenant, Wish(
                "register", person.token, ask.challenge, ask.state, ask.port, f"guru, as {person.name}", address,
                person.name, {"label": ask.label}), now=now)

        return lobby.begun(await desk.db.write(work))

    @router.post("/account/passkeys", status_code=201)
    @needs(None, of="oneself")
    async def keep(ask: AttemptRedeemed, person: Who) -> PasskeySeen:
        """Keep the passkey that the browser made: one signs in by it from now on."""
        now, code, verifier = desk.clock(), ask.code.get_secret_value(), ask.verifier.get_secret_value()

        def work(connection: Connection) -> Passkey | GuruError:
            done = attempts.redeem(
                connection, desk.tenant, ask.attempt, person.token, code, verifier, "register", now=now)
            if isinstance(done, NotSignedIn):
                return InputInvalid("this registration is not known, was used, or is over",
                                    hint="begin again: `guru passkey add`")
            _may_change(lobby, connection, person, now - attempts.LIFE)
            return keeping.keep(connection, desk.tenant, person.name, Made(*done.details["made"]),
                                done.details["label"], now=now)

        kept = await desk.db.write(work)
        if isinstance(kept, GuruError):
            raise kept
        return _seen(kept)


def _may_change(lobby: Lobby, connection: Connection, person: Person, now: int) -> None:
    """Refused for a token, for a session that somebody else vouched for, and without a fresh factor where there is one.

    Otherwise a provider that was taken over once, or a session left open, would stay a way in for good.
    """
    desk = lobby.desk
    row = sessions.session_of(connection, desk.tenant, person.token) if person.session else None
    if row is None or row.method not in ("password", "passkey"):
        raise Refused("passkeys are changed by whoever signed in by password or passkey",
                      hint="sign in: `guru login --user NAME` or `guru login --passkey`")
    try:
        found = accounts.get(connection, desk.tenant, person.name)
    except NotFound as cause:
        raise Refused("you have no account of your own here") from cause
    guarded = found.second_factor or keeping.has_one(connection, desk.tenant, person.name)
    if guarded and (person.mfa_at is None or now - person.mfa_at > FRESH):
        raise Refused("changing passkeys takes a fresh second factor",
                      hint="`guru mfa verify`, or `guru login --passkey`, first")


def _words(attempt: Attempt) -> Words:
    if attempt.way == "register":
        return Words("Add a passkey", f"A passkey is made for {attempt.name}. It then signs in without a password.",
                     "Make a passkey", attempt.client, attempt.address, attempt.check)
    return Words("Sign in", "A command line wants to sign in by a passkey of yours.", "Use a passkey",
                 attempt.client, attempt.address, attempt.check)


def _seen(one: Passkey) -> PasskeySeen:
    return PasskeySeen(id=one.id, label=one.label, created_at=one.created_at, used_at=one.used_at)
