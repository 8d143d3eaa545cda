"""Groups of an identity provider: made, changed, taken away. A group gives nothing that Git does not map."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from guru_policy.errors import Conflict, InputInvalid, Refused
from guru_server.audit.log import append
from guru_server.provisioning.keeping import MOST_EXTERNAL, Keeper
from guru_server.provisioning.people import mapped
from guru_server.provisioning.tables import scim_group, scim_member, scim_person

MOST_GROUPS, MOST_MEMBERS = 1_000, 2_000        # of a tenant, of a group
MOST_NAME = 256
TOLD = 5                                        # members that one row of the audit log names
_SLICE = 500


class Group(NamedTuple):
    """One group; times are ms UTC."""

    id: str
    name: str
    external_id: str
    version: int
    created_at: int
    changed_at: int


class Member(NamedTuple):
    """Somebody in a group."""

    id: str
    name: str


class Wanted(NamedTuple):
    """A group as the provider wants it; `members` are ids."""

    name: str
    external_id: str
    members: frozenset[str]


def of_id(connection: Connection, tenant: str, provider: str, ident: str, *, lock: bool = False) -> Group | None:
    """One of this provider's; with `lock` nobody else changes it until the transaction ends."""
    query = select(scim_group).where(
        scim_group.c.tenant == tenant, scim_group.c.provider == provider, scim_group.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _group(row)


def groups(
    connection: Connection, tenant: str, *where: ColumnElement[bool], skip: int = 0, most: int | None = None
) -> Sequence[Group]:
    """Those that are so, by name."""
    query = select(scim_group).where(scim_group.c.tenant == tenant, *where).order_by(scim_group.c.name).offset(skip)
    return [_group(row) for row in connection.execute(query if most is None else query.limit(most))]


def count(connection: Connection, tenant: str, *where: ColumnElement[bool]) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(scim_group).where(
        scim_group.c.tenant == tenant, *where)).scalar_one()


def members(connection: Connection, tenant: str, ident: str) -> list[Member]:
    """Who is in it, by name."""
    query = select(scim_person.c.id, scim_person.c.name).join(
        scim_member, (scim_member.c.tenant == scim_person.c.tenant) & (scim_member.c.person == scim_person.c.id))
    return [Member(row.id, row.name) for row in connection.execute(query.where(
        scim_person.c.tenant == tenant, scim_member.c.group_id == ident).order_by(scim_person.c.handle))]


def add(connection: Connection, who: Keeper, wanted: Wanted) -> Group:
    """A new group. Conflict for a name that is taken, Refused when there are too many, InputInvalid for a stranger."""
    _good(connection, who, wanted, but="")
    if count(connection, who.tenant) >= MOST_GROUPS:
        raise Refused(f"{MOST_GROUPS:,} groups are kept here already", hint="narrow what the provider provisions")
    ident = secrets.token_hex(16)
    connection.execute(scim_group.insert().values(
        tenant=who.tenant, id=ident, provider=who.provider.name, name=wanted.name, external_id=wanted.external_id,
        version=1, created_at=who.now, changed_at=who.now))
    _put(connection, who, ident, wanted.members)
    names = [one.name for one in members(connection, who.tenant, ident)]
    append(connection, who.now, [
        who.deed("GroupProvisioned", f"group:{wanted.name}", f"{_worth(who, wanted.name)}; {_counted('+', names)}"),
    ], who.tenant)
    return _there(connection, who, ident)


def change(connection: Connection, who: Keeper, found: Group, wanted: Wanted) -> Group:
    """The group as it is now; `found` is locked. What is the same makes no row anywhere."""
    _good(connection, who, wanted, but=found.id)
    before = {one.id: one.name for one in members(connection, who.tenant, found.id)}
    if (found.name, found.external_id, frozenset(before)) == wanted:
        return found
    connection.execute(scim_group.update().where(
        scim_group.c.tenant == who.tenant, scim_group.c.id == found.id,
    ).values(name=wanted.name, external_id=wanted.external_id, version=found.version + 1, changed_at=who.now))
    gone = sorted(before.keys() - wanted.members)
    for start in range(0, len(gone), _SLICE):
        connection.execute(delete(scim_member).where(
            scim_member.c.tenant == who.tenant, scim_member.c.group_id == found.id,
            scim_member.c.person.in_(gone[start:start + _SLICE])))
    _put(connection, who, found.id, wanted.members - before.keys())
    after = {one.id: one.name for one in members(connection, who.tenant, found.id)}
    words = [_worth(who, wanted.name), *([f"name was {found.name}"] if found.name != wanted.name else [])]
    words += filter(None, (_counted("+", [after[one] for one in after.keys() - before.keys()]),
                           _counted("-", [before[one] for one in gone])))
    append(connection, who.now, [who.deed("GroupChanged", f"group:{wanted.name}", "; ".join(words))], who.tenant)
    return _there(connection, who, found.id)


def remove(connection: Connection, who: Keeper, found: Group) -> None:
    """Take the group away; nobody has anything by it with the next request."""
    names = [one.name for one in members(connection, who.tenant, found.id)]
    for table, column in ((scim_member, scim_member.c.group_id), (scim_group, scim_group.c.id)):
        connection.execute(delete(table).where(table.c.tenant == who.tenant, column == found.id))
    append(connection, who.now, [
        who.deed("GroupDeprovisioned", f"group:{found.name}", f"{_worth(who, found.name)}; {_counted('-', names)}"),
    ], who.tenant)


def _good(connection: Connection, who: Keeper, wanted: Wanted, *, but: str) -> None:
    if not 0 < len(wanted.name) <= MOST_NAME or not wanted.name.isprintable():
        raise InputInvalid(f"displayName has 1 to {MOST_NAME} characters, all of which can be shown")
    if len(wanted.external_id) > MOST_EXTERNAL or not wanted.external_id.isprintable():
        raise InputInvalid(f"externalId has more than {MOST_EXTERNAL} characters, or some that cannot be shown")
    if len(wanted.members) > MOST_MEMBERS:
        raise InputInvalid(f"a group has {MOST_MEMBERS:,} members at most", hint="divide it")
    mine = (scim_group.c.provider == who.provider.name, scim_group.c.name == wanted.name, scim_group.c.id != but)
    if count(connection, who.tenant, *mine):
        raise Conflict("there is a group of this displayName already")


def _put(connection: Connection, who: Keeper, ident: str, people: frozenset[str]) -> None:
    ids = sorted(people)
    for start in range(0, len(ids), _SLICE):
        some = ids[start:start + _SLICE]
        known = set(connection.execute(select(scim_person.c.id).where(
            scim_person.c.tenant == who.tenant, scim_person.c.provider == who.provider.name,
            scim_person.c.deleted_at.is_(None), scim_person.c.id.in_(some))).scalars())
        if known != set(some):
            raise InputInvalid("a member is nobody whom this provider keeps here",
                               hint="`value` is the id of a User; groups are not taken as members")
        connection.execute(scim_member.insert(), [
            {"tenant": who.tenant, "group_id": ident, "person": one} for one in some])


def _worth(who: Keeper, name: str) -> str:
    ours = mapped(who.provider, [name])
    return f"it is group:{ours[0]}" if ours else "it gives nothing"


def _counted(sign: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"{sign} {', '.join(sorted(names)[:TOLD])}{more}"


def _there(connection: Connection, who: Keeper, ident: str) -> Group:
    found = of_id(connection, who.tenant, who.provider.name, ident)
    if found is None:
        raise Conflict("the group was taken away just now")
    return found


def _group(row: Row[Any]) -> Group:
    return Group(row.id, row.name, row.external_id, row.version, row.created_at, row.changed_at)
