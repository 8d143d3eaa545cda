"""Signing in by the API: opening, prolonging and ending sessions, and one's own account. It decides nothing itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection

from guru_policy.access.deciding import EVERYTHING
from guru_policy.errors import GuruError, NotFound, NotSignedIn, Refused
from guru_server.accounts import accounts, second_factor, sessions
from guru_server.accounts.desk import Desk
from guru_server.accounts.lobby import Lobby
from guru_server.accounts.passwords import check_new
from guru_server.accounts.sessions import SessionRow
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.identity.people import Person
from guru_server.identity.sightings import Sightings
from guru_server.identity.signing_in import address_of, signed_in
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_wire.operator import Page
from guru_wire.people import (
    AccountState,
    CodeShown,
    InvitationAccepted,
    PasswordChange,
    RecoveryCodes,
    Refresh,
    SessionSeen,
    SessionsEnded,
    SignIn,
    Tokens,
    TotpBegun,
)
from guru_wire.proofs import HEADER
from guru_wire.sign_ins import AttemptAsked, AttemptBegun, AttemptRedeemed

Who = Annotated[Person, Depends(signed_in)]
FRESH = 600_000                         # ms that a second factor counts as fresh


def public_router(lobby: Lobby, sightings: Sightings | None = None) -> APIRouter:
    """What nobody can be signed in for yet."""
    router, desk = late_router(tags=["sign-in"]), lobby.desk

    async def refused(request: Request, about: str, error: GuruError) -> None:
        if sightings:
            await sightings.refused(request, address_of(request), "SignInFailed", about, error)

    def key_of(request: Request) -> str:
        return desk.proof(request.headers.get(HEADER, ""), request.method, request.scope["path"]).key

    @router.post("/sign-in", status_code=201)
    async def sign_in(ask: SignIn, request: Request) -> Tokens:
        """Open a session by password, and by a code of the second factor when the account has one."""
        try:
            return await desk.sign_in(ask, key_of(request), address_of(request))
        except GuruError as error:
            await refused(request, "password", error)
            raise

    @router.post("/sign-in/refresh")
    async def refresh(ask: Refresh, request: Request) -> Tokens:
        """The next tokens of a session. A refresh token is good once; used again, it ends the session."""
        try:
            return await desk.refresh(ask.refresh.get_secret_value(), key_of(request))
        except NotSignedIn as error:
            await refused(request, "refresh-token", error)
            raise

    @router.post("/sign-in/attempts", status_code=201)
    async def begin(ask: AttemptAsked, request: Request) -> AttemptBegun:
        """Begin to sign in through a browser: the page that it opens."""
        return await lobby.begin(ask, key_of(request), address_of(request))

    @router.post("/sign-in/exchange", status_code=201)
    async def exchange(ask: AttemptRedeemed, request: Request) -> Tokens:
        """Open a session by the code that the browser brought to the client."""
        try:
            return await lobby.redeem(ask, key_of(request))
        except NotSignedIn as error:
            await refused(request, "browser", error)
            raise

    @router.post("/account/invitation")
    async def accept(ask: InvitationAccepted, request: Request) -> AccountState:
        """Set a password by an invitation; sign in with it afterwards."""
        address, now = address_of(request), desk.clock()
        desk.brakes.check_invitation(address, now)
        try:
            name = await desk.accept(ask.invitation.get_secret_value(), ask.password.get_secret_value())
        except NotFound as error:
            desk.brakes.no_invitation(address, now)
            await refused(request, "invitation", error)
            raise
        return await desk.db.read(lambda connection: _state(desk, connection, name))

    return router


def router(desk: Desk) -> APIRouter:
    """One's own account and sessions, and with user.manage those of others."""
    router = late_router(tags=["sign-in"])
    _route_sessions(router, desk)
    _route_factor(router, desk)
    _route_spending(router, desk)

    @router.get("/account")
    @needs(None, of="oneself")
    async def state(person: Who) -> AccountState:
        """One's own account."""
        _own(person)
        return await desk.db.read(lambda connection: _state(desk, connection, person.name))

    @router.post("/account/password")
    @needs(None, of="oneself")
    async def password(ask: PasswordChange, person: Who, request: Request) -> SessionsEnded:
        """Set another password; one's other sessions end."""
        _own(person)
        now, old, new = desk.clock(), ask.old.get_secret_value(), ask.new.get_secret_value()
        found = await desk.db.read(lambda connection: accounts.get(connection, desk.tenant, person.name))
        desk.brakes.check(person.name, person.token, address_of(request), now, known=True)
        if not await desk.mill.holds(found.password, old):
            desk.brakes.failed(person.name, person.token, address_of(request), now, known=True)
            raise Refused("the password until now is another one", hint="nothing was changed")
        check_new(new, person.name)
        digest = await desk.mill.digest_of(new)

        def work(connection: Connection) -> int:
            accounts.set_password(connection, desk.tenant, person.name, digest, now=now)
            return sessions.end_all(connection, desk.tenant, person.name, now=now, actor=person.actor,
                                    why="the password was changed", but=person.token)

        return SessionsEnded(ended=await desk.db.write(work))

    return router


def _route_sessions(router: APIRouter, desk: Desk) -> None:
    """One's own sessions, and with user.manage those of others."""

    @router.get("/sessions")
    @needs(None, of="oneself")
    async def listed(
        person: Who, rights: Asking, paging: Paged, user: str = "",
        limit: Rows = EVERY,
    ) -> Page[SessionSeen]:
        """One's own sessions; with user.manage those of somebody (`user`), or of all (`user=*`)."""
        if user and user != person.name:
            rights.require_scope(None, "user.manage")
        whose = None if user == "*" else user or person.name
        now = desk.clock()
        rows = await desk.db.read(lambda connection: sessions.sessions(connection, desk.tenant, whose, now))
        page, after = paging.cut(rows, limit, lambda row: (-row.turned_at, row.id))
        return Page[SessionSeen](items=tuple(_seen(row, person) for row in page), total=len(rows), next=after)

    @router.delete("/sessions/{ref}")
    @needs(None, of="oneself")
    async def end(ref: str, person: Who, rights: Asking) -> SessionSeen:
        """End a session: `current`, one's own, or with user.manage anybody's."""
        session, now = person.token if ref == "current" else ref, desk.clock()

        def work(connection: Connection) -> SessionRow:
            row = sessions.session_of(connection, desk.tenant, session)
            if row is None or (row.name != person.name and not rights.decide("user.manage", [EVERYTHING]).allowed):
                raise NotFound("no session of that id goes on", hint="`guru session list`")
            sessions.end(connection, desk.tenant, session, now=now, actor=person.actor,
                         why="signed out" if session == person.token else f"ended by {person.spoken}")
            return row

        return _seen(await desk.db.write(work), person)

    @router.delete("/sessions")
    @needs(None, of="oneself")
    async def end_all(person: Who, rights: Asking, user: str = "") -> SessionsEnded:
        """End all of one's own sessions but this one; with user.manage all of somebody's."""
        name, now = user or person.name, desk.clock()
        if name != person.name:
            rights.require_scope(None, "user.manage")
        but = person.token if name == person.name else ""
        return SessionsEnded(ended=await desk.db.write(lambda connection: sessions.end_all(
            connection, desk.tenant, name, now=now, actor=person.actor, why=f"ended by {person.spoken}", but=but)))


def _route_factor(router: APIRouter, desk: Desk) -> None:
    """The second factor of whoever asks."""

    @router.post("/account/totp")
    @needs(None, of="oneself")
    async def begin(person: Who) -> TotpBegun:
        """Begin to set up a second factor. The one of before counts until a code of the new one was shown."""
        _own(person)
        now = desk.clock()

        def work(connection: Connection) -> str:
            found = accounts.get(connection, desk.tenant, person.name, lock=True)
            if found.second_factor and (person.mfa_at is None or now - person.mfa_at > FRESH):
                raise Refused("replacing a second factor takes a fresh one", hint="`guru login --code CODE` first")
            return accounts.begin_totp(connection, desk.tenant, person.name, desk.seal, now=now)

        secret = await desk.db.write(work)
        return TotpBegun(secret=secret, uri=second_factor.uri(secret, person.name))

    @router.post("/account/totp/confirmation")
    @needs(None, of="oneself")
    async def confirm(ask: CodeShown, person: Who, request: Request) -> RecoveryCodes:
        """Take the new second factor into use by a code of it. Recovery codes are shown this once."""
        _own(person)
        now = desk.clock()

        def work(connection: Connection) -> tuple[str, ...]:
            codes = accounts.confirm_totp(connection, desk.tenant, person.name, ask.code, desk.seal, now=now)
            sessions.stepped_up(connection, desk.tenant, person.token, now)
            return codes

        return RecoveryCodes(codes=await desk.db.write(work))

    @router.post("/account/step-up")
    @needs(None, of="oneself")
    async def step_up(ask: CodeShown, person: Who, request: Request) -> AccountState:
        """Show the second factor again: what asks for a fresh one is allowed from now on."""
        await _shown(desk, person, ask.code, request)
        return await desk.db.read(lambda connection: _state(desk, connection, person.name))


def _route_spending(router: APIRouter, desk: Desk) -> None:
    """What a code of the second factor is spent for."""

    @router.post("/account/recovery-codes")
    @needs(None, of="oneself")
    async def recovery(ask: CodeShown, person: Who, request: Request) -> RecoveryCodes:
        """Fresh recovery codes in the place of those of before."""
        await _shown(desk, person, ask.code, request)
        now = desk.clock()
        return RecoveryCodes(codes=await desk.db.write(lambda connection: accounts.renew_recovery(
            connection, desk.tenant, person.name, now=now)))

    @router.post("/account/totp/removal")
    @needs(None, of="oneself")
    async def drop(ask: CodeShown, person: Who, request: Request) -> AccountState:
        """Take the second factor away."""
        await _shown(desk, person, ask.code, request)
        now = desk.clock()

        def work(connection: Connection) -> AccountState:
            accounts.drop_totp(connection, desk.tenant, person.name, now=now, actor=person.actor)
            return _state(desk, connection, person.name)

        return await desk.db.write(work)


async def _shown(desk: Desk, person: Person, code: str, request: Request) -> None:
    """Refused, and counted, when the code is not good now."""
    _own(person)
    now, address = desk.clock(), address_of(request)
    desk.brakes.check(person.name, person.token, address, now, known=True)

    def work(connection: Connection) -> bool:
        good = accounts.factor_shown(connection, desk.tenant, person.name, code, desk.seal, now=now)
        if good:
            sessions.stepped_up(connection, desk.tenant, person.token, now)
        return good

    if not await desk.db.write(work):
        desk.brakes.failed(person.name, person.token, address, now, known=True)
        raise Refused("the code is wrong, was used already, or there is no second factor", hint="wait for the next one")


def _own(person: Person) -> None:
    if not person.session:
        raise Refused("a token has no account of its own", hint="sign in: `guru login --user NAME`")
    if person.by_code:
        raise Refused("a sign-in by a code does not reach the account", hint="sign in: `guru login --user NAME`")


def _state(desk: Desk, connection: Connection, name: str) -> AccountState:
    found = accounts.get(connection, desk.tenant, name)
    required = desk.holding.book(connection, desk.tenant).sign_in.second_factor == "required"
    return AccountState(
        name=name, second_factor=found.second_factor, recovery_codes=len(found.recovery), required=required)


def _seen(row: SessionRow, person: Person) -> SessionSeen:
    return SessionSeen(
        id=row.id, name=row.name, method=row.method, client=row.client, address=row.address, mfa_at=row.mfa_at,
        created_at=row.created_at, turned_at=row.turned_at, expires_at=row.expires_at, current=row.id == person.token,
    )
