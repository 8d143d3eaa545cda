"""Who may sign in, for those who manage users: invited, locked, let in again. It decides nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy import Connection, select

from guru_policy.access.rulebook import Rulebook
from guru_policy.errors import NotFound, Refused
from guru_server.accounts import accounts, sessions
from guru_server.accounts.accounts import INVITED, Account
from guru_server.accounts.desk import Desk
from guru_server.accounts.tables import invitation
from guru_server.api.late import late_router
from guru_server.cursors import EVERY, Paged, Rows
from guru_server.identity.people import Person
from guru_server.identity.signing_in import signed_in
from guru_server.provisioning import people as provisioned
from guru_server.provisioning.people import Provisioned
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import needs
from guru_server.rights.escalating import refuse_more
from guru_wire.operator import Page
from guru_wire.people import Invited, LockReason, State, UserRow

Who = Annotated[Person, Depends(signed_in)]
Name = Annotated[str, Path(max_length=128)]      # that it can be a name says `invite`, in words


def router(desk: Desk) -> APIRouter:
    """The guarded routes."""
    router = late_router(tags=["users"])

    @router.get("/users")
    @needs("user.manage", of="organisation")
    async def listed(paging: Paged, limit: Rows = EVERY) -> Page[UserRow]:
        """Everybody whom the repository names or who has an account, by name."""
        now = desk.clock()
        rows = await desk.db.read(lambda connection: _rows(desk, connection, now))
        page, after = paging.cut(rows, limit, lambda row: (row.name,))
        return Page[UserRow](items=page, total=len(rows), next=after)

    @router.post("/users/{name}/invitation", status_code=201)
    @needs("user.manage", of="organisation")
    async def invite(name: Name, person: Who, rights: Asking) -> Invited:
        """A code with which the person sets a password; what they had of before counts until then.

        Whoever has the code could take it for themselves, so nobody invites somebody who may do more than they may.
        """
        now = desk.clock()
        refuse_more(rights, rights.book.names_of(name))

        def work(connection: Connection) -> str:
            found = accounts.find(connection, desk.tenant, name)
            _may_be_invited(desk, connection, name, found, person)
            return accounts.invite(
                connection, desk.tenant, name, found.role if found else "", now=now, actor=person.actor)

        return Invited(name=name, invitation=await desk.db.write(work), expires_at=now + INVITED * 1000)

    @router.post("/users/{name}/lock")
    @needs("user.manage", of="organisation")
    async def lock(name: Name, ask: LockReason, person: Who) -> UserRow:
        """Shut the person out; every session of theirs ends now."""
        now = desk.clock()

        def work(connection: Connection) -> UserRow:
            _not_a_fixed_one(_standing(desk, connection, name, now), person)
            accounts.lock(connection, desk.tenant, name, ask.reason, now=now, actor=person.actor)
            sessions.end_all(connection, desk.tenant, name, now=now, actor=person.actor, why=f"locked: {ask.reason}")
            return _one(desk, connection, name, now)

        return await desk.db.write(work)

    @router.delete("/users/{name}/lock")
    @needs("user.manage", of="organisation")
    async def unlock(name: Name, person: Who) -> UserRow:
        """Let the person in again."""
        now = desk.clock()

        def work(connection: Connection) -> UserRow:
            accounts.lock(connection, desk.tenant, name, "", now=now, actor=person.actor)
            return _one(desk, connection, name, now)

        return await desk.db.write(work)

    return router


def _standing(desk: Desk, connection: Connection, name: str, now: int) -> Account:
    """Their account; a Person who signs in elsewhere gets one, without a password, that can be locked. NotFound."""
    known = desk.holding.book(connection, desk.tenant).user(name) or provisioned.named(connection, desk.tenant, name)
    if known is not None:
        accounts.stand_for(connection, desk.tenant, name, now=now)
    return accounts.get(connection, desk.tenant, name)


def _may_be_invited(
    desk: Desk, connection: Connection, name: str, found: Account | None, person: Person
) -> None:
    if found is not None and found.role and person.role != "admin":
        raise Refused(f"{name} has a fixed role: `guru-server admin create {name}` invites them",
                      hint="a fixed role comes from the server's own machine alone")
    kept = provisioned.named(connection, desk.tenant, name)
    if kept is not None and desk.holding.book(connection, desk.tenant).user(name) is None:
        raise Refused(f"{name} is kept here by {kept.provider}, and signs in there",
                      hint=f"guru login --sso --provider {kept.provider}")


def _not_a_fixed_one(found: Account, person: Person) -> None:
    if found.role and person.role != "admin":
        raise Refused(f"{found.name} has a fixed role: only another of the same kind locks them",
                      hint="`guru-server admin lock` on the server's machine")


def _one(desk: Desk, connection: Connection, name: str, now: int) -> UserRow:
    row = next((one for one in _rows(desk, connection, now) if one.name == name), None)
    if row is None:
        raise NotFound(f"{name} has no account")
    return row


def _rows(desk: Desk, connection: Connection, now: int) -> list[UserRow]:
    book = desk.holding.book(connection, desk.tenant)
    found = {one.name: one for one in accounts.accounts(connection, desk.tenant)}
    waiting = frozenset(connection.execute(select(invitation.c.name).where(
        invitation.c.tenant == desk.tenant, invitation.c.used_at.is_(None), invitation.c.expires_at > now)).scalars())
    living: dict[str, int] = {}
    for session in sessions.sessions(connection, desk.tenant, None, now):
        living[session.name] = living.get(session.name, 0) + 1
    kept = {one.name: one for one in provisioned.living(connection, desk.tenant) if book.user(one.name) is None}
    groups = provisioned.groups_by_person(connection, desk.tenant) if kept else {}
    names = sorted({*found, *waiting, *kept, *(one.name for one in book.users)})
    rows = []
    for name in names:
        row = _row(name, found.get(name), book, living.get(name, 0))
        rows.append(_kept(row, kept[name], book, groups.get(kept[name].id, ())) if name in kept else row)
    return rows


def _kept(row: UserRow, found: Provisioned, book: Rulebook, theirs: Sequence[str]) -> UserRow:
    """The row of somebody whom an identity provider keeps here."""
    held = book.provider(found.provider)
    state: State = "locked" if row.locked else "active" if found.active and held and held.key else "disabled"
    groups = provisioned.mapped(held, theirs) if held and held.key else ()
    return row.model_copy(update={
        "provider": found.provider, "groups": groups, "state": state,
        "created_at": row.created_at or found.created_at})


def _row(name: str, account: Account | None, book: Rulebook, living: int) -> UserRow:
    held = book.user(name)
    disabled = held is not None and held.disabled
    left = held is None and account is not None and account.left_at is not None and not account.role
    state: State = "disabled" if disabled else "left" if left else "active" if account else "invited"
    if account and account.locked and state == "active":
        state = "locked"
    return UserRow(
        name=name, role=account.role if account else "", groups=held.groups if held else (), known=held is not None,
        state=state, second_factor=bool(account and account.second_factor),
        locked=account.locked if account else "", created_at=account.created_at if account else None, sessions=living,
    )
