"""Lists of people and groups for a provider, with its filter, its order and its page. It changes nothing.

What providers ask all the time, one name or one id, is looked up; any other filter goes over all there are, and their
number is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection

from guru_server.provisioning import groups, people, resources
from guru_server.provisioning.asking import Ask
from guru_server.provisioning.groups import Group as Held
from guru_server.provisioning.keeping import Keeper
from guru_server.provisioning.people import Provisioned
from guru_server.provisioning.resources import Group, User
from guru_server.provisioning.tables import scim_group, scim_person

FoundT = TypeVar("FoundT", Provisioned, Held)
Where = ColumnElement[bool]


def of_people(connection: Connection, who: Keeper, ask: Ask) -> str:
    """A ListResponse about people."""
    request = _request(User, ask)
    mine = [scim_person.c.provider == who.provider.name]
    known = {"username": lambda value: scim_person.c.handle == value.lower(),
             "externalid": lambda value: scim_person.c.external_id == value,
             "id": lambda value: scim_person.c.id == value}
    looked = _looked_up(request, known)

    def rows(where: Sequence[Where], skip: int, most: int | None) -> Sequence[Provisioned]:
        return people.living(connection, who.tenant, *where, skip=skip, most=most)

    return _page(
        User, request, [*mine, *looked], rows,
        lambda where: people.count(connection, who.tenant, *where), lambda one: resources.user_of(one, ask.base))


def of_groups(connection: Connection, who: Keeper, ask: Ask) -> str:
    """A ListResponse about groups."""
    request = _request(Group, ask)
    mine = [scim_group.c.provider == who.provider.name]
    known = {"displayname": lambda value: scim_group.c.name == value,
             "externalid": lambda value: scim_group.c.external_id == value,
             "id": lambda value: scim_group.c.id == value}
    looked = _looked_up(request, known)

    def rows(where: Sequence[Where], skip: int, most: int | None) -> Sequence[Held]:
        return groups.groups(connection, who.tenant, *where, skip=skip, most=most)

    return _page(
        Group, request, [*mine, *looked], rows,
        lambda where: groups.count(connection, who.tenant, *where),
        lambda one: resources.group_of(one, groups.members(connection, who.tenant, one.id), ask.base))


def _request(model: type[User] | type[Group], ask: Ask) -> Any:
    """By query string, or by POST to .search (RFC 7644, 3.4.3)."""
    return resources.searched(model, ask.body) if ask.method == "POST" else resources.asked(model, ask.query)


def _looked_up(request: Any, known: dict[str, Callable[[str], Where]]) -> list[Where]:
    """The condition of a filter such as `userName eq "ada"`; none for every other."""
    node = request.filter.ast if request.filter is not None else None
    path = getattr(node, "attr_path", None)
    if path is None or path.sub_attr or path.uri or getattr(node, "op", None) != "eq":
        return []
    value = getattr(node, "value", None)
    made = known.get(str(path.attr).lower())
    return [made(value)] if made is not None and isinstance(value, str) else []


def _page(
    model: type[User] | type[Group], request: Any, where: list[Where],
    rows: Callable[[Sequence[Where], int, int | None], Sequence[FoundT]], count: Callable[[Sequence[Where]], int],
    shaped: Callable[[FoundT], Any],
) -> str:
    skip = request.start_index_0 or 0
    most = min(resources.PAGE if request.count is None else request.count, resources.MOST_PAGE)
    if request.sort_by is None and (request.filter is None or len(where) > 1):
        found = [shaped(one) for one in rows(where, skip, most)] if most else []
        return resources.listed(model, found, count(where), skip + 1, request)
    every = [one for one in map(shaped, rows(where, 0, None)) if request.filter is None or request.filter.match(one)]
    chosen = request.sort(every)[skip:skip + most]
    return resources.listed(model, chosen, len(every), skip + 1, request)
