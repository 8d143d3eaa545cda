"""What a provider changes about people: made, changed, taken away. Whom Git or this server names it never touches.

Every change is one transaction with its row in the audit log, and what it takes away counts with the next request.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from sqlalchemy import Connection, Update, delete, func, select

from guru_policy.access.rulebook import HeldProvider, Rulebook
from guru_policy.errors import Conflict, InputInvalid, Refused
from guru_server.accounts import accounts, leaving, sessions
from guru_server.accounts.tables import account, invitation, sign_in_attempt
from guru_server.audit.log import Deed, append
from guru_server.gateway.plain import plain
from guru_server.identity.tables import api_token
from guru_server.provisioning import people
from guru_server.provisioning.people import Provisioned
from guru_server.provisioning.tables import scim_group, scim_member, scim_person
from guru_server.rights.tables import access_grant
from guru_server.tenants.quotas import make_room

MOST_PEOPLE = 5_000                     # of a tenant
MOST_RESOURCE = 16 << 10                # characters of what is kept of one person
MOST_EXTERNAL = 256


class Keeper(NamedTuple):
    """Who comes with what: a provider by its API key. `whence` is the request's id and address, for the audit log."""

    tenant: str
    provider: HeldProvider
    book: Rulebook
    actor: str
    now: int
    whence: dict[str, str]

    def deed(self, action: str, about: str, result: str) -> Deed:
        """A row of the audit log."""
        return Deed(self.actor, action, about, plain(f"{self.provider.name}: {result}", 300), **self.whence)


class Wish(NamedTuple):
    """A person as the provider wants them."""

    name: str
    external_id: str
    active: bool
    resource: str


def add(connection: Connection, who: Keeper, wish: Wish) -> Provisioned:
    """Keep somebody new. Conflict when the name or the external id is somebody's, Refused when there are too many."""
    _good(wish)
    _free(connection, who, wish.name)
    _unknown(connection, who, wish, but="")
    if people.count(connection, who.tenant) >= MOST_PEOPLE:
        raise Refused(f"{MOST_PEOPLE:,} people are kept here already", hint="narrow what the provider provisions")
    make_room(connection, "people", lambda: len(accounts.accounts(connection, who.tenant)) + people.count(
        connection, who.tenant))
    ident = secrets.token_hex(16)
    connection.execute(scim_person.insert().values(
        tenant=who.tenant, id=ident, provider=who.provider.name, version=1, created_at=who.now, deleted_at=None,
        **_values(who, wish)))
    said = f"external id {wish.external_id}" if wish.external_id else "no external id, so they cannot sign in"
    append(connection, who.now, [who.deed("PersonProvisioned", f"person:{wish.name}", said)], who.tenant)
    return _there(connection, who, ident)


def change(connection: Connection, who: Keeper, found: Provisioned, wish: Wish) -> Provisioned:
    """Keep the person as they are now; `found` is locked. What is the same makes no row anywhere."""
    _good(wish)
    _not_gits(who, found)
    if _wish(found) == wish:
        return found
    renamed = wish.name != found.name
    if renamed:
        _rename(connection, who, found, wish)
    _unknown(connection, who, wish, but=found.id)
    connection.execute(scim_person.update().where(
        scim_person.c.tenant == who.tenant, scim_person.c.id == found.id,
    ).values(version=found.version + 1, **_values(who, wish)))
    ended, told = 0, []
    if renamed or not wish.active or wish.external_id != found.external_id:
        ended = _out(connection, who, found.name, "changed by the identity provider")
    if found.active and not wish.active:
        told.append(who.deed("PersonDeactivated", f"person:{wish.name}", f"{ended} sessions ended"))
    elif wish.active and not found.active:
        told.append(who.deed("PersonActivated", f"person:{wish.name}", "may sign in"))
    changed = [name for name, one, other in (
        (f"name was {found.name}", found.name, wish.name), ("external id", found.external_id, wish.external_id),
        ("details", found.resource, wish.resource)) if one != other]
    if changed:
        told.append(who.deed("PersonChanged", f"person:{wish.name}", ", ".join(changed)))
    append(connection, who.now, told, who.tenant)
    return _there(connection, who, found.id)


def remove(connection: Connection, who: Keeper, found: Provisioned) -> None:
    """Take the person away. A row without anything personal but name and id stays, for whoever reads the audit log."""
    _not_gits(who, found)
    connection.execute(_touch_groups(who, found.id))
    connection.execute(delete(scim_member).where(
        scim_member.c.tenant == who.tenant, scim_member.c.person == found.id))
    connection.execute(scim_person.update().where(
        scim_person.c.tenant == who.tenant, scim_person.c.id == found.id,
    ).values(handle=None, subject=None, active=False, resource="{}", deleted_at=who.now, changed_at=who.now))
    ended = _out(connection, who, found.name, "taken away by the identity provider")
    held = accounts.find(connection, who.tenant, found.name)
    if held is not None and not held.role and not held.locked:
        leaving.drop(connection, who.tenant, found.name, who.now)
    append(connection, who.now, [
        who.deed("PersonDeprovisioned", f"person:{found.name}", f"{ended} sessions ended")], who.tenant)


def _good(wish: Wish) -> None:
    if not accounts.NAME.fullmatch(wish.name):
        raise InputInvalid("userName cannot be a name here", hint="letters, digits and . _ @ + -, 128 at most")
    if len(wish.external_id) > MOST_EXTERNAL or not wish.external_id.isprintable():
        raise InputInvalid(f"externalId has more than {MOST_EXTERNAL} characters, or some that cannot be shown")
    if len(wish.resource) > MOST_RESOURCE:
        raise InputInvalid(f"more than {MOST_RESOURCE >> 10} KiB about one person", hint="map fewer attributes")


def _not_gits(who: Keeper, found: Provisioned) -> None:
    if who.book.user(found.name) is not None:
        raise Conflict(f"the repository names a Person {found.name}: Git wins, and SCIM does not change them",
                       hint="take the Person out of Git, or this one out of the provider's scope")


def _free(connection: Connection, who: Keeper, name: str) -> None:
    """Conflict when the name is anybody's: whoever got it would get their rights, too."""
    handle, tenant = name.lower(), who.tenant
    if any(one.name.lower() == handle for one in who.book.users):
        raise Conflict(f"the repository names a Person {name}: Git wins, and SCIM does not change them")
    if any(subject.lower() == f"user:{handle}" for one in who.book.bindings for subject in one.subjects):
        raise Conflict(f"a Binding of the repository names user:{name}, so it is nobody new",
                       hint="give rights to provisioned people by groups")
    for column, here, what in (
        (account.c.name, (account.c.tenant == tenant,), "an account"),
        (invitation.c.name, (invitation.c.tenant == tenant, invitation.c.used_at.is_(None)), "an invitation"),
        (api_token.c.name, (api_token.c.tenant == tenant, api_token.c.kind == "person"), "a token"),
        (access_grant.c.name, (access_grant.c.tenant == tenant, access_grant.c.expires_at > who.now), "rights"),
        (scim_person.c.name, (scim_person.c.tenant == tenant, scim_person.c.deleted_at.is_(None)), "a person"),
    ):
        if connection.execute(select(column).where(*here, func.lower(column) == handle).limit(1)).first():
            raise Conflict(f"there is {what} of the name {name} here already")


def _unknown(connection: Connection, who: Keeper, wish: Wish, *, but: str) -> None:
    if wish.external_id:
        other = people.of_subject(connection, who.tenant, who.provider.name, wish.external_id)
        if other is not None and other.id != but:
            raise Conflict(f"another person, {other.name}, has this externalId")


def _rename(connection: Connection, who: Keeper, found: Provisioned, wish: Wish) -> None:
    if accounts.find(connection, who.tenant, found.name) is not None:
        raise Conflict(f"{found.name} has an account here, so the name stays",
                       hint="take the person out of the provider's scope, and in again")
    if wish.name.lower() != found.name.lower():
        _free(connection, who, wish.name)


def _out(connection: Connection, who: Keeper, name: str, why: str) -> int:
    """End sessions, and sign-ins on their way."""
    connection.execute(delete(sign_in_attempt).where(
        sign_in_attempt.c.tenant == who.tenant, sign_in_attempt.c.name == name))
    return sessions.cut(connection, who.tenant, name, now=who.now, why=why)


def _touch_groups(who: Keeper, person: str) -> Update:
    mine = select(scim_member.c.group_id).where(
        scim_member.c.tenant == who.tenant, scim_member.c.person == person)
    return scim_group.update().where(scim_group.c.tenant == who.tenant, scim_group.c.id.in_(mine)).values(
        version=scim_group.c.version + 1, changed_at=who.now)


def _values(who: Keeper, wish: Wish) -> dict[str, str | int | None]:
    return {
        "name": wish.name, "handle": wish.name.lower(), "external_id": wish.external_id,
        "subject": people.subject_of(who.provider.name, wish.external_id), "active": wish.active,
        "resource": wish.resource, "changed_at": who.now,
    }


def _wish(found: Provisioned) -> Wish:
    return Wish(found.name, found.external_id, found.active, found.resource)


def _there(connection: Connection, who: Keeper, ident: str) -> Provisioned:
    found = people.of_id(connection, who.tenant, who.provider.name, ident)
    if found is None:
        raise Conflict("the person was taken away just now")
    return found
