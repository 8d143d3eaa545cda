"""Rights for a while over the API: asked for, granted by somebody who has them, taken in an emergency, reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import Row

from guru_policy.access.asking import Target
from guru_policy.access.deciding import EVERYTHING
from guru_policy.access.grants import expanded
from guru_policy.access.rulebook import Rulebook
from guru_policy.errors import InputInvalid, Refused
from guru_policy.kinds.binding import read_scope
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.selector import parse
from guru_policy.text.suggesting import did_you_mean
from guru_server.api.late import late_router
from guru_server.clock import Clock
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.rights import granting
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.rights.granting import Wish
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.access import AccessWish, BreakGlassWish, GrantRow, Judged
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]
GIVE, BREAK = "approval.give", "access.break_glass"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    clock: Clock


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["rights"])
    _route_asking(router, desk)
    _route_deciding(router, desk)
    return router


def _route_asking(router: APIRouter, desk: Desk) -> None:
    @router.post("/access/requests", status_code=201)
    @needs(None, of="oneself")
    async def ask(ask: AccessWish, person: Who, rights: Asking) -> GrantRow:
        """Ask for a verb or a role for a while; somebody else has to grant it."""
        _a_person(person)
        if bool(ask.verb) == bool(ask.role):
            raise InputInvalid("ask for a verb or for a role", hint="give one of both")
        _known(rights.book, ask.verb, ask.role)
        if parse(ask.selector).uses_facts:
            raise InputInvalid("rights never go by what an agent says of itself", hint="use git/ or op/ labels")
        wish = Wish(person.name, ask.verb, ask.role, str(_scope(ask.scope)), ask.selector, ask.seconds, ask.reason,
                    rights.around.ticket)
        now = desk.clock()
        row = await desk.db.write(lambda connection: granting.ask(connection, whose(connection), wish, now))
        return _row(row, now)

    @router.post("/access/break-glass", status_code=201)
    @needs(BREAK, of="organisation")
    async def break_glass(ask: BreakGlassWish, person: Who, rights: Asking) -> GrantRow:
        """Take the role that the repository keeps for emergencies, at once. Everybody hears of it."""
        _a_person(person)
        kept = sorted(role.name for role in rights.book.roles if role.break_glass)
        if not kept:
            raise Refused("the repository keeps no role for emergencies", hint="a Role with breakGlass: true")
        role = ask.role or (kept[0] if len(kept) == 1 else "")
        if role not in kept:
            raise InputInvalid("which role? " + ", ".join(kept), hint=f"--role {kept[0]}")
        wish = Wish(person.name, "", role, "org", "", ask.seconds, ask.reason, rights.around.ticket, "break-glass")
        now = desk.clock()
        row = await desk.db.write(
            lambda connection: granting.ask(connection, whose(connection), wish, now, by=person.actor))
        return _row(row, now)

    @router.get("/access/requests")
    @needs(None, of="oneself")
    async def listed(
        person: Who, rights: Asking, paging: Paged, limit: Rows = EVERY
    ) -> Page[GrantRow]:
        """The asker's own, and those where the asker has a word; the newest first."""
        now = desk.clock()
        rows = await desk.db.read(lambda connection: granting.newest(connection, whose(connection)))
        seen = [row for row in rows if _sees(rights, person, row)]
        page, after = paging.cut(seen, limit, lambda row: (-row.created_at, row.id))
        return Page[GrantRow](items=tuple(_row(row, now) for row in page), total=len(seen), next=after)


def _route_deciding(router: APIRouter, desk: Desk) -> None:
    @router.post("/access/requests/{ident}/approve")
    @needs(None, of="oneself")
    async def approve(ident: str, ask: Judged, person: Who, rights: Asking) -> GrantRow:
        """Grant it: it takes approval.give there, and everything that is granted. Never to oneself."""
        row = await _other(desk, ident, person, rights)
        _has_all(rights, row)
        return await _decided(desk, row, "granted", rights, ask)

    @router.post("/access/requests/{ident}/deny")
    @needs(None, of="oneself")
    async def deny(ident: str, ask: Judged, person: Who, rights: Asking) -> GrantRow:
        """Say no, or take one's own request back."""
        return await _decided(desk, await _found(desk, ident, person, rights), "denied", rights, ask)

    @router.post("/access/requests/{ident}/revoke")
    @needs(None, of="oneself")
    async def revoke(ident: str, ask: Judged, person: Who, rights: Asking) -> GrantRow:
        """End a grant before its time, another's or one's own: with the next request it is over."""
        return await _decided(desk, await _found(desk, ident, person, rights), "revoked", rights, ask)

    @router.post("/access/requests/{ident}/review")
    @needs(None, of="oneself")
    async def review(ident: str, ask: Judged, person: Who, rights: Asking) -> GrantRow:
        """Say that one has looked at what somebody else did by break-glass."""
        row, now = await _other(desk, ident, person, rights), desk.clock()
        done = await desk.db.write(lambda connection: granting.review(
            connection, whose(connection), row, by=rights.actor, why=ask.reason, now=now))
        return _row(done, now)


def _a_person(person: Person) -> None:
    if person.kind != "person":
        raise Refused("a key is given nothing for a while: a person has to ask", hint="`guru login`")
    if person.role:
        raise Refused(f"your token has the fixed role {person.role}: nothing is added to that",
                      hint="sign in as somebody to whom the repository gives rights: `guru login`")


def _known(book: Rulebook, verb: str, role: str) -> None:
    if verb and verb not in VERBS:
        raise InputInvalid(f"{verb!r} is not a verb", hint=did_you_mean(verb, VERBS) or "such as device.label")
    names = [one.name for one in book.roles]
    if role and role not in names:
        raise InputInvalid(f"no role {role} is in force", hint=did_you_mean(role, names) or "see `guru whoami`")


def _scope(text: str) -> Scope:
    try:
        return ORG if text == "org" else read_scope(text)
    except ValueError as cause:
        raise InputInvalid(f"{text!r} is not a scope", hint="org, customers/<c> or customers/<c>/sites/<s>") from cause


def _target(row: Row[Any]) -> Target:
    scope = _scope(row.scope)
    return EVERYTHING if scope == ORG else Target(scope)


def _gives(rights: Rights, row: Row[Any]) -> bool:
    return rights.decide(GIVE, [_target(row)]).allowed


def _sees(rights: Rights, person: Person, row: Row[Any]) -> bool:
    return (person.kind == "person" and row.name.casefold() == person.name.casefold()) or _gives(rights, row)


async def _found(desk: Desk, ident: str, person: Person, rights: Rights) -> Row[Any]:
    row = await desk.db.read(lambda connection: granting.find(connection, whose(connection), ident))
    if not _sees(rights, person, row):
        rights.hidden(GIVE, f"access:{ident}")
        raise granting.missing(ident)
    return row


async def _other(desk: Desk, ident: str, person: Person, rights: Rights) -> Row[Any]:
    """Refused for whoever it is about, and for a key."""
    row = await _found(desk, ident, person, rights)
    if person.kind != "person":
        raise Refused("a key grants nothing: a person has to", hint="`guru login`")
    if row.name.casefold() == person.name.casefold():
        raise Refused("nobody grants or reviews what is their own", hint="ask somebody else")
    rights.require(None, GIVE, [_target(row)], f"access:{ident}")
    return row


def _has_all(rights: Rights, row: Row[Any]) -> None:
    """Refused when it would give something that the asker has not there themselves."""
    target = _target(row)
    for rule in granting.rules_of(rights.book, row.verb, row.role, row.selector):
        if rule.effect == "deny":
            continue
        for verb in sorted(expanded(rule.verbs)):
            for command_class in rule.classes or (None,):
                decision = rights.decide(verb, [target], command_class=command_class)
                if not decision.allowed:
                    raise Refused(f"you cannot give {verb} in {row.scope}: {decision.told()}",
                                  hint="somebody who has all of it can")


async def _decided(desk: Desk, row: Row[Any], state: str, rights: Rights, ask: Judged) -> GrantRow:
    now = desk.clock()
    done = await desk.db.write(lambda connection: granting.decide(
        connection, whose(connection), row, state, by=rights.actor, why=ask.reason, now=now))
    return _row(done, now)


def _row(row: Row[Any], now: int) -> GrantRow:
    over = row.state in ("pending", "granted") and row.expires_at <= now
    return GrantRow(
        id=row.id, kind=row.kind, state="expired" if over else row.state, name=row.name, verb=row.verb, role=row.role,
        scope=row.scope, selector=row.selector, seconds=row.seconds, reason=row.reason, ticket=row.ticket,
        created_at=row.created_at, expires_at=row.expires_at, decided_by=row.decided_by, decided_at=row.decided_at,
        why=row.why, reviewed_by=row.reviewed_by, reviewed_at=row.reviewed_at,
    )
