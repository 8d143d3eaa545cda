"""Approvals over the API: what waits, and the word of a second person. Whoever asked never agrees to it themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection, Row

from guru_policy.access.asking import Target, device_target
from guru_policy.access.deciding import decide
from guru_policy.access.grants import covers
from guru_policy.errors import NotSignedIn, Refused
from guru_policy.inventory import Device
from guru_server.accounts.desk import Desk as Accounts
from guru_server.api.late import late_router
from guru_server.clock import Clock
from guru_server.cursors import Paged
from guru_server.fleet.inventory import Inventory
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.identity.standing_in import StandIn, again, owner_of
from guru_server.rights import waiting
from guru_server.rights.asking import Asking, Rights
from guru_server.rights.declaring import needs
from guru_server.rights.waiting import Act
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.access import ApprovalDetail, ApprovalRow, Judged
from guru_wire.operator import Page

Who = Annotated[Person, Depends(signed_in)]
Replay = Callable[[Request, Act, StandIn], Awaitable[tuple[int, str]]]
GIVE = "approval.give"
MOST_TARGETS = 100
MOST_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    db: Database
    clock: Clock
    replay: Replay
    accounts: Accounts | None = None


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["rights"])
    _route_looking(router, desk)
    _route_deciding(router, desk)
    return router


def _route_looking(router: APIRouter, desk: Desk) -> None:
    @router.get("/approvals")
    @needs(None, of="oneself")
    async def listed(
        person: Who, rights: Asking, paging: Paged,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Page[ApprovalRow]:
        """What the asker waits for, and what waits for the asker's word; the newest first."""
        now = desk.clock()
        rows = await desk.db.read(lambda connection: waiting.newest(connection, whose(connection), MOST_LOOKED_AT))
        mine = await desk.db.read(lambda connection: owner_of(connection, whose(connection), person))
        eye = await _eye(desk, rights)
        seen = [row for row in rows if _same(row.owner, mine) or eye.may_give(row)]
        page, after = paging.cut(seen, limit, lambda row: (-row.created_at, row.id))
        return Page[ApprovalRow](items=tuple(_row(row, now) for row in page), total=len(seen), next=after)

    @router.get("/approvals/{ident}")
    @needs(None, of="oneself")
    async def show(ident: str, person: Who, rights: Asking) -> ApprovalDetail:
        """One of them, with exactly what was asked."""
        row = await _seen(desk, ident, person, rights)
        act, targets = waiting.act_of(row), waiting.targets_of(row)
        return ApprovalDetail(
            **_row(row, desk.clock()).model_dump(), method=act.method, path=act.path, query=act.query,
            body=act.body.decode(errors="replace"),
            targets=tuple(_named(one) for one in targets[:MOST_TARGETS]),
        )


def _route_deciding(router: APIRouter, desk: Desk) -> None:
    @router.post("/approvals/{ident}/approve")
    @needs(None, of="oneself")
    async def approve(ident: str, ask: Judged, person: Who, rights: Asking, request: Request) -> ApprovalRow:
        """Agree: the act runs at once, as whoever asked, by what they may now. It takes approval.give, and the
        verb itself, on every device.
        """
        now, row = desk.clock(), await _deciding(desk, ident, person, rights)
        _allowed(await _eye(desk, rights), row)
        sender = waiting.sender_of(row)

        def take(connection: Connection) -> StandIn:
            agreed = waiting.agreed_of(row, rights.actor)
            waiting.decide(connection, whose(connection), row, "approved", by=rights.actor, why=ask.reason, now=now)
            who = again(connection, whose(connection), sender, desk.accounts, since=row.created_at, now=now)
            return StandIn(who, row.ticket, agreed)

        try:
            stand_in = await desk.db.write(take)
        except NotSignedIn as error:
            raise Refused(f"it cannot run as {row.actor}: {error.message}", hint="they can ask again") from error
        status, answer = await desk.replay(request, waiting.act_of(row), stand_in)
        await desk.db.write(lambda connection: waiting.conclude(connection, whose(connection), ident, status, answer))
        return _row(await desk.db.read(lambda connection: waiting.find(connection, whose(connection), ident)), now)

    @router.post("/approvals/{ident}/deny")
    @needs(None, of="oneself")
    async def deny(ident: str, ask: Judged, person: Who, rights: Asking) -> ApprovalRow:
        """Say no, or take one's own back: it never runs."""
        now, row = desk.clock(), await _seen(desk, ident, person, rights)
        await desk.db.write(lambda connection: waiting.decide(
            connection, whose(connection), row, "denied", by=rights.actor, why=ask.reason, now=now))
        return _row(await desk.db.read(lambda connection: waiting.find(connection, whose(connection), ident)), now)


@dataclass(frozen=True, slots=True)
class _Eye:
    """What somebody may say about acts, with the devices as they are now."""

    rights: Rights
    devices: dict[str, Target]

    def may_give(self, row: Row[Any]) -> bool:
        """Whether they may see it and have a word: approval.give and device.read on all of it."""
        targets = self.targets(row)
        return self.allowed(GIVE, targets, None) and self.allowed("device.read", targets, None)

    def targets(self, row: Row[Any]) -> list[Target]:
        """With the labels of now; of devices that are gone only the place is known."""
        return [self.devices.get(one.id, one) if one.id else one for one in waiting.targets_of(row)]

    def allowed(self, verb: str, targets: list[Target], command_class: str | None) -> bool:
        """Whether they may do it themselves, but for the approval."""
        around = self.rights.around._replace(devices=len(targets), command_class=command_class, approved=True)
        return decide(self.rights.subject, verb, targets, self.rights.grants, around).allowed

    def has_role(self, role: str, targets: list[Target]) -> bool:
        """Whether they have it on all of it."""
        held = [rule.scope for rule in self.rights.grants.rules if rule.ref.role == role]
        return all(any(covers(scope, one.scope) for scope in held) for one in targets)


async def _eye(desk: Desk, rights: Rights) -> _Eye:
    labels = await rights.labels()
    devices: list[Device] = await desk.db.read(Inventory(desk.db.tenant).read)
    return _Eye(rights, {one.id: device_target(one, labels(one)) for one in devices})


async def _seen(desk: Desk, ident: str, person: Person, rights: Rights) -> Row[Any]:
    """NotFound for what one may not see."""
    row, mine = await desk.db.read(lambda connection: (
        waiting.find(connection, whose(connection), ident), owner_of(connection, whose(connection), person)))
    if not _same(row.owner, mine) and not (await _eye(desk, rights)).may_give(row):
        rights.hidden(GIVE, f"approval:{ident}")
        raise waiting.missing(ident)
    return row


async def _deciding(desk: Desk, ident: str, person: Person, rights: Rights) -> Row[Any]:
    """Refused for whoever is behind the act, by whatever token, session or key."""
    row = await _seen(desk, ident, person, rights)
    if person.kind != "person":
        raise Refused("a key agrees to nothing: a person has to", hint="`guru login`")
    if _same(row.owner, person.name):
        raise Refused("nobody agrees to what they asked for themselves", hint="ask somebody else who may do it")
    return row


def _allowed(eye: _Eye, row: Row[Any]) -> None:
    targets = eye.targets(row)
    for verb, command_class in ((GIVE, None), (row.verb, row.command_class)):
        around = eye.rights.around._replace(devices=len(targets), command_class=command_class, approved=True)
        decision = decide(eye.rights.subject, verb, targets, eye.rights.grants, around)
        if not decision.allowed:
            raise eye.rights.refused(verb, f"approval:{row.id}", decision)
    if row.role and not eye.has_role(row.role, targets):
        raise Refused(f"this takes the role {row.role}, which you have not on all of it", hint="`guru whoami`")


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _named(target: Target) -> str:
    place = "/".join(filter(None, (target.scope.customer, target.scope.site, target.name)))
    return place if target.id else str(target.scope)


def _row(row: Row[Any], now: int) -> ApprovalRow:
    over = row.state == "pending" and row.expires_at <= now
    return ApprovalRow(
        id=row.id, state="expired" if over else row.state, actor=row.actor, verb=row.verb, about=row.about,
        role=row.role, devices=sum(bool(one.id) for one in waiting.targets_of(row)), ticket=row.ticket,
        asked=row.asked, created_at=row.created_at, expires_at=row.expires_at, decided_by=row.decided_by,
        decided_at=row.decided_at, why=row.why, status=row.status, answer=row.answer,
    )
