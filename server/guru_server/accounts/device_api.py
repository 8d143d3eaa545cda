"""Shells without a browser, let in from another sign-in by a short code (RFC 8628). Off unless the repository says so.

Whoever reads a code to somebody else wants to be let in as them: the one who types it sees where the shell is. What
comes of it administers nothing (guru_policy.access.deciding), and shows no second factor.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from guru_policy.access.rulebook import Rulebook
from guru_policy.errors import NotFound, NotSignedIn, Refused
from guru_server.accounts import accounts, attempts, sessions
from guru_server.accounts.attempts import Attempt, Wish
from guru_server.accounts.lobby import Lobby
from guru_server.accounts.sessions import SignedIn
from guru_server.api.late import late_router
from guru_server.audit.log import record
from guru_server.identity.people import Person
from guru_server.identity.signing_in import address_of, signed_in
from guru_server.passkeys import keeping
from guru_server.rights.declaring import needs
from guru_wire.people import Tokens
from guru_wire.proofs import HEADER
from guru_wire.sign_ins import (
    DeviceCodeAsked,
    DeviceCodeGiven,
    DeviceCodePolled,
    DeviceCodeSeen,
    DeviceCodeTyped,
    DeviceWaiting,
)

Who = Annotated[Person, Depends(signed_in)]
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"        # RFC 8628, 6.1: no vowels, no words
INTERVAL = 5                            # seconds
FRESH = 600_000                         # ms that a second factor counts as fresh


def public_router(lobby: Lobby) -> APIRouter:
    """What the shell asks, which has no sign-in yet."""
    router, desk = late_router(tags=["sign-in"]), lobby.desk

    def key_of(request: Request) -> str:
        return desk.proof(request.headers.get(HEADER, ""), request.method, request.scope["path"]).key

    @router.post("/sign-in/device", status_code=201)
    async def begin(ask: DeviceCodeAsked, request: Request) -> DeviceCodeGiven:
        """A code for a shell without a browser."""
        now, address, key = desk.clock(), address_of(request), key_of(request)
        lobby.knocks.take(address, now)
        code = "".join(secrets.choice(LETTERS) for _ in range(8))

        def work(connection: Connection) -> Attempt:
            _allowed(desk.holding.book(connection, desk.tenant))
            return attempts.begin(connection, desk.tenant, Wish(
                "device", key, ask.challenge, _state(lobby, code), 0, ask.client, address), now=now)

        made = await desk.db.write(work)
        return DeviceCodeGiven(id=made.id, user_code=f"{code[:4]}-{code[4:]}", interval=INTERVAL,
                               expires_at=made.expires_at)

    @router.post("/sign-in/device/exchange", status_code=201, responses={202: {"model": DeviceWaiting}})
    async def poll(ask: DeviceCodePolled, request: Request, response: Response) -> Tokens | DeviceWaiting:
        """The session, once somebody let the shell in; 202 until then."""
        now, key = desk.clock(), key_of(request)
        lobby.polls.take(key, now)

        def work(connection: Connection) -> Tokens | None:
            done = attempts.collect(
                connection, desk.tenant, ask.attempt, key, ask.verifier.get_secret_value(), now=now)
            return None if done is None else _opened(lobby, connection, done, key, now)

        tokens = await desk.db.write(work)
        if tokens is None:
            response.status_code = 202
            return DeviceWaiting(interval=INTERVAL)
        return tokens

    return router


def router(lobby: Lobby) -> APIRouter:
    """What whoever is signed in elsewhere does with a code."""
    router, desk = late_router(tags=["sign-in"]), lobby.desk

    @router.post("/device-codes/look")
    @needs(None, of="oneself")
    async def look(ask: DeviceCodeTyped, person: Who) -> DeviceCodeSeen:
        """Which shell a code is of, before it is let in."""
        now = desk.clock()
        lobby.codes.take(person.name, now)

        def work(connection: Connection) -> Attempt:
            _may_admit(lobby, connection, person, now)
            return attempts.by_state(connection, desk.tenant, _state(lobby, ask.code), "device", now=now)

        return _seen(await desk.db.write(work), admitted=False)

    @router.post("/device-codes/approval")
    @needs(None, of="oneself")
    async def approve(ask: DeviceCodeTyped, person: Who) -> DeviceCodeSeen:
        """Let the shell in, as oneself."""
        now = desk.clock()
        lobby.codes.take(person.name, now)

        def work(connection: Connection) -> Attempt:
            row = _may_admit(lobby, connection, person, now)
            found = attempts.by_state(connection, desk.tenant, _state(lobby, ask.code), "device", now=now)
            attempts.finish(connection, desk.tenant, found, person.name,
                            {"provider": row.provider, "groups": list(row.groups)}, None)
            record(connection, now, person.actor, "ShellAdmitted", f"person:{person.name}",
                   f"{found.client} at {found.address}", tenant=desk.tenant)
            return found

        return _seen(await desk.db.write(work), admitted=True)

    return router


def _opened(lobby: Lobby, connection: Connection, done: Attempt, key: str, now: int) -> Tokens:
    desk = lobby.desk
    book = desk.holding.book(connection, desk.tenant)
    _allowed(book)
    desk.admit(accounts.find(connection, desk.tenant, done.name), book, done.name)
    who = SignedIn(done.name, "device", None, key, done.client, done.address, str(done.details["provider"]),
                   tuple(done.details["groups"]))
    opened = sessions.open_session(connection, desk.tenant, who, seal=desk.seal, policy=book.sign_in, now=now)
    return desk.tokens(opened, done.name, key, set_up=False, now=now)


def _may_admit(lobby: Lobby, connection: Connection, person: Person, now: int) -> sessions.SessionRow:
    """The session that lets another in; Refused for a token, for one that was let in itself, without a fresh factor."""
    desk = lobby.desk
    _allowed(desk.holding.book(connection, desk.tenant))
    row = sessions.session_of(connection, desk.tenant, person.token) if person.session else None
    if row is None or row.method == "device":
        raise Refused("a shell is let in by whoever signed in by themselves", hint="sign in: `guru login`")
    found = accounts.find(connection, desk.tenant, person.name)
    guarded = (found is not None and found.second_factor) or keeping.has_one(connection, desk.tenant, person.name)
    if guarded and (person.mfa_at is None or now - person.mfa_at > FRESH):
        raise Refused("letting a shell in takes a fresh second factor",
                      hint="`guru mfa verify`, or `guru login --passkey`, first")
    return row


def _allowed(book: Rulebook) -> None:
    if not book.sign_in.device_flow:
        raise NotSignedIn("your organisation lets no shell in by a code", hint="`deviceFlow` of its SignInPolicy")


def _state(lobby: Lobby, code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter in LETTERS)
    if len(letters) != 8:
        raise NotFound("that is no code of a shell", hint="eight letters, such as BCDF-GHJK")
    return lobby.desk.seal.mark(f"device code {letters}")


def _seen(found: Attempt, *, admitted: bool) -> DeviceCodeSeen:
    return DeviceCodeSeen(client=found.client, address=found.address, expires_at=found.expires_at, admitted=admitted)
