"""People whom an identity provider keeps here: found, listed, and what Git gives them. It writes nothing.

A provisioned person is nobody by themselves: Git says which provider may keep people, and what its groups give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select

from guru_policy.access.rulebook import HeldProvider, Rulebook
from guru_policy.errors import NotSignedIn
from guru_server.provisioning.tables import scim_group, scim_member, scim_person

_ASK = "ask somebody who manages users"


class Provisioned(NamedTuple):
    """One person; times are ms UTC. `resource` is JSON: what the provider says of them besides."""

    id: str
    provider: str
    name: str
    external_id: str
    active: bool
    resource: str
    version: int
    created_at: int
    changed_at: int


def named(connection: Connection, tenant: str, name: str) -> Provisioned | None:
    """The living one of that name."""
    return _one(connection, tenant, scim_person.c.handle == name.lower(), scim_person.c.name == name)


def of_subject(connection: Connection, tenant: str, provider: str, external_id: str) -> Provisioned | None:
    """The living one whom this provider knows by that id."""
    return _one(connection, tenant, scim_person.c.subject == subject_of(provider, external_id))


def of_id(connection: Connection, tenant: str, provider: str, ident: str, *, lock: bool = False) -> Provisioned | None:
    """One whom this provider keeps; with `lock` nobody else changes them until the transaction ends."""
    return _one(connection, tenant, scim_person.c.provider == provider, scim_person.c.id == ident, lock=lock)


def living(
    connection: Connection, tenant: str, *where: ColumnElement[bool], skip: int = 0, most: int | None = None
) -> Sequence[Provisioned]:
    """Those who live and are so, by name."""
    query = select(scim_person).where(*_alive(tenant), *where).order_by(scim_person.c.handle).offset(skip)
    return [_person(row) for row in connection.execute(query if most is None else query.limit(most))]


def count(connection: Connection, tenant: str, *where: ColumnElement[bool]) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(scim_person).where(
        *_alive(tenant), *where)).scalar_one()


def subject_of(provider: str, external_id: str) -> str | None:
    """What is unique of an external id; None without one."""
    return f"{provider} {external_id}" if external_id else None


def groups_of(connection: Connection, tenant: str, found: Provisioned) -> list[str]:
    """The provider's names of the groups that it put them into."""
    query = select(scim_group.c.name).join(
        scim_member, (scim_member.c.tenant == scim_group.c.tenant) & (scim_member.c.group_id == scim_group.c.id))
    return list(connection.execute(query.where(
        scim_group.c.tenant == tenant, scim_group.c.provider == found.provider, scim_member.c.person == found.id,
    ).order_by(scim_group.c.name)).scalars())


def groups_by_person(connection: Connection, tenant: str) -> dict[str, list[str]]:
    """The providers' names of groups, by the id of who is in them."""
    found: dict[str, list[str]] = {}
    query = select(scim_member.c.person, scim_group.c.name).join(
        scim_group, (scim_member.c.tenant == scim_group.c.tenant) & (scim_member.c.group_id == scim_group.c.id))
    for row in connection.execute(query.where(scim_member.c.tenant == tenant).order_by(scim_group.c.name)):
        found.setdefault(row.person, []).append(row.name)
    return found


def mapped(provider: HeldProvider, theirs: Sequence[str]) -> tuple[str, ...]:
    """The groups of Bindings that Git gives for these names, exactly written so."""
    return tuple(sorted({ours for name, ours in provider.groups if name in theirs}))


def signs_in(connection: Connection, tenant: str, book: Rulebook, provider: HeldProvider, external_id: str) -> str:
    """The name of whom this provider keeps here by that id; NotSignedIn, when that is nobody or counts no more."""
    found = of_subject(connection, tenant, provider.name, external_id) if provider.key and external_id else None
    if found is None:
        raise NotSignedIn("the repository names nobody like that, and the provider keeps nobody like that here",
                          hint="a Person in org/ with this `email`, or of this name: docs/single-sign-on.md")
    standing(connection, tenant, book, found.name, provider.name)
    return found.name


def standing(connection: Connection, tenant: str, book: Rulebook, name: str, provider: str) -> tuple[str, ...]:
    """The groups of Bindings that somebody has whom this provider signed in, and whom no Person of Git names.

    NotSignedIn when the provider keeps them here no more, or as somebody who is not active, or may not in Git's eyes.
    """
    held, found = book.provider(provider), named(connection, tenant, name)
    if book.user(name) is not None:
        raise NotSignedIn("the repository names a Person of this name, who is not whom the provider keeps here",
                          hint=_ASK)
    if held is None or not held.key or found is None or found.provider != provider:
        raise NotSignedIn("the repository does not name this provider, or you, any more", hint=_ASK)
    if not found.active:
        raise NotSignedIn(f"{held.title} says that this account is not active", hint=_ASK)
    return mapped(held, groups_of(connection, tenant, found))


def _one(
    connection: Connection, tenant: str, *where: ColumnElement[bool], lock: bool = False
) -> Provisioned | None:
    query = select(scim_person).where(*_alive(tenant), *where)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _person(row)


def _alive(tenant: str) -> tuple[ColumnElement[bool], ...]:
    return scim_person.c.tenant == tenant, scim_person.c.deleted_at.is_(None)


def _person(row: Row[Any]) -> Provisioned:
    return Provisioned(row.id, row.provider, row.name, row.external_id, row.active, row.resource, row.version,
                       row.created_at, row.changed_at)
