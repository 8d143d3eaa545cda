"""Rights for a while: what is asked for, granted, and over. A grant ends by the clock; nobody has to end it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, Rulebook
from guru_policy.errors import Conflict, NotFound, Refused
from guru_policy.text.flattening import plain
from guru_server.audit.log import Deed, append
from guru_server.identity.people import Person
from guru_server.rights.tables import access_grant

LIFE = 4 * 3_600_000                    # ms in which somebody has to decide
MOST_PENDING = 20                       # of one person
MOST_SHOWN = 10_000


class Granted(NamedTuple):
    """A grant that holds now."""

    id: str
    kind: str
    name: str
    verb: str
    role: str
    scope: str
    selector: str
    by: str
    until: int

    @property
    def provenance(self) -> str:
        """Where it comes from, in the place of a file."""
        until = datetime.fromtimestamp(self.until / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
        if self.kind == "break-glass":
            return f"break-glass {self.id} until {until}"
        return f"granted by {self.by} until {until}, request {self.id}"


class Wish(NamedTuple):
    """What somebody asks for: a verb or a role."""

    name: str
    verb: str
    role: str
    scope: str
    selector: str
    seconds: int
    reason: str
    ticket: str
    kind: str = "request"


def granted_to(connection: Connection, tenant: str, person: Person, now: int) -> Sequence[Granted]:
    """What the person was given and still has. A key and a fixed role are given nothing."""
    return () if person.kind != "person" or person.role else granted_by_name(
        connection, tenant, f"user:{person.name}", now)


def granted_by_name(connection: Connection, tenant: str, subject: str, now: int) -> Sequence[Granted]:
    """What `user:<name>` was given and still has."""
    if not subject.startswith("user:"):
        return ()
    rows = connection.execute(select(access_grant).where(
        access_grant.c.tenant == tenant, access_grant.c.name == subject.removeprefix("user:"),
        access_grant.c.state == "granted", access_grant.c.expires_at > now)).all()
    return [granted_of(row) for row in rows]


def granted_of(row: Row[Any]) -> Granted:
    """The grant, once it is one."""
    by = str(row.decided_by).removeprefix("person:")
    return Granted(row.id, row.kind, row.name, row.verb, row.role, row.scope, row.selector, by, row.expires_at)


def granted_book(book: Rulebook, grants: Iterable[Granted]) -> Rulebook:
    """The grants as a rulebook of their own, roles as the repository has them now; one that left gives nothing."""
    roles, bindings = [], []
    for one in grants:
        rules = rules_of(book, one.verb, one.role, one.selector)
        if not rules:
            continue
        name = f"{one.role or one.verb}#{one.id}"
        roles.append(HeldRole(name=name, path=one.provenance, rules=rules))
        bindings.append(HeldBinding(
            name=f"{one.kind} {one.id}", path=one.provenance, line=0, subjects=(f"user:{one.name}",), role=name,
            scope=one.scope,
        ))
    return Rulebook(revision="", roles=tuple(roles), bindings=tuple(bindings), groups=book.groups)


def rules_of(book: Rulebook, verb: str, role: str, selector: str) -> tuple[HeldRule, ...]:
    """The rules of a grant, on the devices that match the selector."""
    if verb:
        return (HeldRule(id=verb, effect="allow", verbs=(verb,), line=0, selector=selector),)
    found = next((one for one in book.roles if one.name == role), None)
    return tuple(
        rule.model_copy(update={"line": 0, "selector": ",".join(filter(None, (rule.selector, selector)))})
        for rule in (found.rules if found else ())
    )


def ask(connection: Connection, tenant: str, wish: Wish, now: int, *, by: str = "") -> Row[Any]:
    """Keep what is asked for; with `by` it is granted at once. Refused when too much waits already."""
    mine = (access_grant.c.tenant == tenant, access_grant.c.name == wish.name, access_grant.c.state == "pending",
            access_grant.c.expires_at > now)
    if not by and connection.execute(select(func.count()).where(*mine)).scalar_one() >= MOST_PENDING:
        raise Refused(f"{MOST_PENDING} requests of yours wait already", hint="`guru access list`")
    ident = secrets.token_hex(6)
    connection.execute(access_grant.insert().values(
        tenant=tenant, id=ident, kind=wish.kind, name=wish.name, verb=wish.verb, role=wish.role, scope=wish.scope,
        selector=wish.selector, seconds=wish.seconds, reason=plain(wish.reason, 500), ticket=wish.ticket,
        state="granted" if by else "pending", created_at=now,
        expires_at=now + (wish.seconds * 1000 if by else LIFE), decided_by=by, decided_at=now if by else None,
        why="", reviewed_by="", reviewed_at=None, told_at=None,
    ))
    what = f"{wish.role or wish.verb} in {wish.scope} {wish.selector}".strip()
    action = "BreakGlass" if by else "AccessAsked"
    append(connection, now, [Deed(
        f"person:{wish.name}", action, f"access:{ident}", f"{what} for {wish.seconds} s: {wish.reason}")], tenant)
    return find(connection, tenant, ident)


def find(connection: Connection, tenant: str, ident: str) -> Row[Any]:
    """The row; NotFound."""
    query = select(access_grant).where(access_grant.c.tenant == tenant, access_grant.c.id == ident)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise missing(ident)
    return row


def missing(ident: str) -> NotFound:
    """That there is none, or none that one may see."""
    return NotFound(f"no access request has the id {ident[:32]}", hint="`guru access list`")


def newest(connection: Connection, tenant: str) -> Sequence[Row[Any]]:
    """The newest first."""
    query = select(access_grant).where(access_grant.c.tenant == tenant)
    return connection.execute(query.order_by(access_grant.c.created_at.desc(), access_grant.c.id).limit(
        MOST_SHOWN)).all()


def decide(connection: Connection, tenant: str, row: Row[Any], state: str, *, by: str, why: str, now: int) -> Row[Any]:
    """Grant, deny or revoke it; Conflict when it is not in the state for that any more."""
    before = "granted" if state == "revoked" else "pending"
    ends = now + row.seconds * 1000 if state == "granted" else now if state == "revoked" else row.expires_at
    done = connection.execute(access_grant.update().where(
        access_grant.c.tenant == tenant, access_grant.c.id == row.id, access_grant.c.state == before,
        access_grant.c.expires_at > now,
    ).values(state=state, expires_at=ends, why=plain(why, 500), **(
        {} if state == "revoked" else {"decided_by": by, "decided_at": now})))
    if done.rowcount != 1:
        raise Conflict(f"request {row.id} is over, or was decided before", hint="`guru access list`")
    append(connection, now, [Deed(
        by, f"Access{state.capitalize()}", f"access:{row.id}",
        f"{row.role or row.verb} in {row.scope} for {row.name} {plain(why, 200)}".strip())], tenant)
    return find(connection, tenant, row.id)


def review(connection: Connection, tenant: str, row: Row[Any], *, by: str, why: str, now: int) -> Row[Any]:
    """Note that somebody else looked at what was done by break-glass; Conflict when somebody did."""
    done = connection.execute(access_grant.update().where(
        access_grant.c.tenant == tenant, access_grant.c.id == row.id, access_grant.c.reviewed_at.is_(None),
        access_grant.c.kind == "break-glass",
    ).values(reviewed_by=by, reviewed_at=now, why=plain(why, 500)))
    if done.rowcount != 1:
        raise Conflict(f"{row.id} is no break-glass that waits for a review")
    append(connection, now, [Deed(by, "BreakGlassReviewed", f"access:{row.id}", f"of {row.name}: {why}")], tenant)
    return find(connection, tenant, row.id)
