"""The prune guard over what a commit would really delete, measured from what is in force. Pure.

Customers that are held lose nothing now, and are counted once they move. A trailer consents to what is gone
up to its own commit, when that is not more than its number: so it is not lost when others push after it, and
it never covers what a later commit deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from guru_policy.comparing import guard
from guru_policy.fleet import Fleet
from guru_policy.objects.scopes import owner_of
from guru_policy.pairing import match
from guru_server.reconcile.deciding import Get, Standing

UNKNOWN = (
    "a revision in force left the repository, so that nobody can tell what this one deletes;"
    " push a commit with the trailer Guru-Allow-Delete to go on"
)


class Consented(NamedTuple):
    """What stood after a commit that consents to deletions, and to how many."""

    fleet: Fleet
    allowed: int


def stands(base: str, standings: Mapping[str, Standing], get: Get) -> Fleet | None:
    """The objects in force: the organisation's of `base`, each customer's of its own revision.

    None when one of the revisions left the repository.
    """
    newest = get(base)
    if newest is None:
        return None
    objects = {item.key: item for item in newest.fleet.owned_by(None)}
    for customer, standing in standings.items():
        if standing.pair is None:
            continue
        own = get(standing.pair.customer)
        if own is None:
            return None
        objects |= {item.key: item for item in own.fleet.owned_by(customer)}
    return replace(newest.fleet, objects=objects)


def after(standing: Fleet, new: Fleet, held: Collection[str]) -> Fleet:
    """What stands once `new` is in force for everybody but those who are held."""
    mine = {key: item for key, item in new.objects.items() if owner_of(item.origin.path) not in held}
    mine |= {key: item for key, item in standing.objects.items() if owner_of(item.origin.path) in held}
    return replace(new, objects=mine)


def refusals(standing: Fleet, then: Fleet, consents: Sequence[Callable[[], Consented]] = ()) -> tuple[str, ...]:
    """Why the commit may not come into force; empty when it may. Consents are only called for when needed."""
    reasons = guard(standing, then)
    for consent in consents:
        if not reasons:
            break
        fleet, allowed = consent()
        gone = match(standing, fleet).deleted
        if len(gone) <= allowed:
            left = {key: item for key, item in standing.objects.items() if key not in gone or key in then.objects}
            standing = replace(standing, objects=left)
            reasons = guard(standing, then)
    return reasons
