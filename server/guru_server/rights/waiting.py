"""Acts that wait until somebody else agrees: kept as they were asked for, decided once. It runs none of them."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from guru_policy.access.asking import Target
from guru_policy.errors import Conflict, NotFound, Refused
from guru_policy.objects.scopes import Level, Scope
from guru_policy.text.flattening import plain
from guru_server.audit.log import Deed, append
from guru_server.rights.asking import Agreed, Wanting
from guru_server.rights.tables import approval

LIFE = 4 * 3_600_000                    # ms in which somebody has to decide
KEPT = 90 * 86_400_000                  # ms for which it can be looked up afterwards
MOST_PENDING = 50                       # of one person
MOST_ANSWER = 2_000                     # characters kept of what an act answered


class Sender(NamedTuple):
    """Who asked, so that the act can run as them: the token or session, and the second factor as it was then."""

    token: str
    session: bool
    mfa_at: int | None
    host: str


class Act(NamedTuple):
    """A request as it came; its path has no secrets, its body is emptied once it is decided."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """sha256 hex of all of it."""
        head = f"{self.method} {self.path}?{self.query}\n{self.content_type}\n"
        return hashlib.sha256(head.encode() + self.body).hexdigest()


class Asked(NamedTuple):
    """What is to be kept."""

    actor: str
    owner: str                          # the person behind it
    sender: Sender
    ticket: str
    wanting: Wanting
    act: Act


def keep(connection: Connection, tenant: str, asked: Asked, now: int) -> str:
    """Keep it, and its id. Refused when too many of the person wait already."""
    here, wanting = approval.c.tenant == tenant, asked.wanting
    connection.execute(approval.delete().where(here, approval.c.created_at < now - KEPT))
    connection.execute(approval.update().where(here, approval.c.expires_at <= now).values(body=b""))
    waiting = (here, approval.c.owner == asked.owner, approval.c.state == "pending", approval.c.expires_at > now)
    if connection.execute(select(func.count()).where(*waiting)).scalar_one() >= MOST_PENDING:
        raise Refused(f"{MOST_PENDING} acts of yours wait for an approval already", hint="`guru approval list`")
    ident = secrets.token_hex(6)
    connection.execute(approval.insert().values(
        tenant=tenant, id=ident, actor=asked.actor, owner=asked.owner, sender=json.dumps(asked.sender),
        verb=wanting.verb, about=plain(wanting.about, 256), command_class=wanting.command_class, role=wanting.role,
        targets=json.dumps([
            [one.scope.level, one.scope.customer, one.scope.site, one.name, one.id] for one in wanting.targets
        ]), digest=wanting.digest,
        method=asked.act.method, path=asked.act.path, query=asked.act.query, content_type=asked.act.content_type,
        body=asked.act.body, asked=asked.act.digest, ticket=asked.ticket, state="pending", created_at=now,
        expires_at=now + LIFE, decided_by="", decided_at=None, why="", status=0, answer="",
    ))
    append(connection, now, [Deed(
        asked.actor, "ApprovalAsked", f"approval:{ident}", f"{wanting.verb}: {wanting.about}")], tenant)
    return ident


def find(connection: Connection, tenant: str, ident: str) -> Row[Any]:
    """The row; NotFound."""
    query = select(approval).where(approval.c.tenant == tenant, approval.c.id == ident)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise missing(ident)
    return row


def missing(ident: str) -> NotFound:
    """That there is none, or none that one may see."""
    return NotFound(f"no approval has the id {ident[:32]}", hint="`guru approval list`")


def newest(connection: Connection, tenant: str, limit: int) -> Sequence[Row[Any]]:
    """The newest first."""
    query = select(approval).where(approval.c.tenant == tenant).order_by(approval.c.created_at.desc(), approval.c.id)
    return connection.execute(query.limit(limit)).all()


def targets_of(row: Row[Any]) -> list[Target]:
    """What it is about, without labels."""
    found: list[tuple[Level, str, str, str, str]] = json.loads(row.targets)
    return [Target(Scope(level, customer, site), name, ident) for level, customer, site, name, ident in found]


def act_of(row: Row[Any]) -> Act:
    """The request."""
    return Act(row.method, row.path, row.query, row.content_type, bytes(row.body))


def agreed_of(row: Row[Any], by: str) -> Agreed:
    """What the agreement is for."""
    return Agreed(row.id, row.digest, by)


def sender_of(row: Row[Any]) -> Sender:
    """Who asked."""
    return Sender(*json.loads(row.sender))


def decide(connection: Connection, tenant: str, row: Row[Any], state: str, *, by: str, why: str, now: int) -> None:
    """Take the decision; Conflict when it was taken before, or came too late: nothing is decided twice."""
    open_one = (approval.c.tenant == tenant, approval.c.id == row.id, approval.c.state == "pending",
                approval.c.expires_at > now)
    done = connection.execute(approval.update().where(*open_one).values(
        state=state, decided_by=by, decided_at=now, why=plain(why, 500), body=b""))
    if done.rowcount != 1:
        raise Conflict(f"approval {row.id} waits no longer", hint=f"`guru approval show {row.id}`")
    action = "ApprovalGiven" if state == "approved" else "ApprovalDenied"
    append(connection, now, [Deed(by, action, f"approval:{row.id}", f"{row.verb} of {row.actor}: {row.about}")], tenant)


def conclude(connection: Connection, tenant: str, ident: str, status: int, answer: str) -> None:
    """Note how the act went."""
    here = (approval.c.tenant == tenant, approval.c.id == ident)
    connection.execute(approval.update().where(*here).values(
        status=status, answer=answer[:MOST_ANSWER], state="approved" if status < 400 else "failed"))
