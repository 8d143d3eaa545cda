"""What each route of SCIM does, inside of its transaction. It never sees HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scim2_models import Context
from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_server.provisioning import groups, keeping, listing, people, resources
from guru_server.provisioning.asking import Ask, Deed, Told
from guru_server.provisioning.dress import error_body
from guru_server.provisioning.keeping import Keeper
from guru_server.provisioning.resources import Group, User
from guru_server.tagging import Changed, matches

Work = Callable[[Connection, Keeper, Ask], Told]


def done(deed: Deed, connection: Connection, who: Keeper, ask: Ask) -> Told:
    """What it answers. ValidationError or SCIMException of the library where SCIM has a word for it, or GuruError."""
    with resources.POLICY:
        return _WORK[deed](connection, who, ask)


def _config(_: Connection, __: Keeper, ask: Ask) -> Told:
    return Told(resources.config(ask.base).model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


def _described(_: Connection, __: Keeper, ask: Ask) -> Told:
    return Told(resources.described(ask.what, ask.base, ask.query))


def _described_one(_: Connection, __: Keeper, ask: Ask) -> Told:
    return Told(resources.described_one(ask.what, ask.ident, ask.base))


def _not_served(_: Connection, __: Keeper, ask: Ask) -> Told:
    return Told(error_body(501, f"/{ask.what} is not served: see /ServiceProviderConfig").decode(), 501)


def _people(connection: Connection, who: Keeper, ask: Ask) -> Told:
    return Told(listing.of_people(connection, who, ask))


def _new_person(connection: Connection, who: Keeper, ask: Ask) -> Told:
    user = User.model_validate_json(ask.body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = keeping.add(connection, who, resources.wish_of(user))
    return _told(resources.user_of(made, ask.base), ask, created=True)


def _person(connection: Connection, who: Keeper, ask: Ask) -> Told:
    return _told(resources.user_of(_user(connection, who, ask), ask.base), ask)


def _change_person(connection: Connection, who: Keeper, ask: Ask) -> Told:
    found = _user(connection, who, ask, lock=True)
    wanted = resources.changed(User, resources.user_of(found, ask.base), ask.method, ask.body)
    return _told(resources.user_of(keeping.change(connection, who, found, resources.wish_of(wanted)), ask.base), ask)


def _remove_person(connection: Connection, who: Keeper, ask: Ask) -> Told:
    keeping.remove(connection, who, _user(connection, who, ask, lock=True))
    return Told("", 204)


def _groups(connection: Connection, who: Keeper, ask: Ask) -> Told:
    return Told(listing.of_groups(connection, who, ask))


def _new_group(connection: Connection, who: Keeper, ask: Ask) -> Told:
    wanted = Group.model_validate_json(ask.body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = groups.add(connection, who, resources.wanted_of(wanted))
    return _told(_shaped(connection, who, made, ask), ask, created=True)


def _group(connection: Connection, who: Keeper, ask: Ask) -> Told:
    return _told(_shaped(connection, who, _held(connection, who, ask), ask), ask)


def _change_group(connection: Connection, who: Keeper, ask: Ask) -> Told:
    found = _held(connection, who, ask, lock=True)
    wanted = resources.changed(Group, _shaped(connection, who, found, ask), ask.method, ask.body)
    after = groups.change(connection, who, found, resources.wanted_of(wanted))
    return _told(_shaped(connection, who, after, ask), ask)


def _remove_group(connection: Connection, who: Keeper, ask: Ask) -> Told:
    groups.remove(connection, who, _held(connection, who, ask, lock=True))
    return Told("", 204)


_WORK: Mapping[Deed, Work] = {
    "config": _config, "described": _described, "described-one": _described_one, "not-served": _not_served,
    "people": _people, "new-person": _new_person, "person": _person, "change-person": _change_person,
    "remove-person": _remove_person,
    "groups": _groups, "new-group": _new_group, "group": _group, "change-group": _change_group,
    "remove-group": _remove_group,
}


def _shaped(connection: Connection, who: Keeper, found: groups.Group, ask: Ask) -> Group:
    return resources.group_of(found, groups.members(connection, who.tenant, found.id), ask.base)


def _told(found: User | Group, ask: Ask, *, created: bool = False) -> Told:
    context = Context.RESOURCE_CREATION_RESPONSE if created else Context.RESOURCE_QUERY_RESPONSE
    wanted = resources.asked(type(found), ask.query)
    version, place = (found.meta.version, found.meta.location) if found.meta else ("", "")
    return Told(found.model_dump_json(scim_ctx=context, response_parameters=wanted), 201 if created else 200,
                version or "", (place or "") if created else "")


def _user(connection: Connection, who: Keeper, ask: Ask, *, lock: bool = False) -> people.Provisioned:
    """As If-Match says, when it is locked. NotFound, Changed."""
    found = people.of_id(connection, who.tenant, who.provider.name, ask.ident, lock=lock)
    if found is None:
        raise NotFound("this provider keeps nobody of that id here")
    _fresh(ask, found.version, lock=lock)
    return found


def _held(connection: Connection, who: Keeper, ask: Ask, *, lock: bool = False) -> groups.Group:
    found = groups.of_id(connection, who.tenant, who.provider.name, ask.ident, lock=lock)
    if found is None:
        raise NotFound("this provider has no group of that id here")
    _fresh(ask, found.version, lock=lock)
    return found


def _fresh(ask: Ask, version: int, *, lock: bool) -> None:
    if lock and ask.match is not None and not matches(ask.match, f'W/"{version}"'):
        raise Changed("it was changed since", hint="read it again")
