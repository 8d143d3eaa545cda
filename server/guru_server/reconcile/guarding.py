"""The prune guard over what a commit would really delete. Pure; customers that are held lose nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from guru_policy.comparing import guard
from guru_policy.objects.scopes import owner_of
from guru_server.reconcile.library import Loaded

_UNKNOWN = (
    "the revision in force left the repository, so that nobody can tell what this one deletes;"
    " push a commit with the trailer Guru-Allow-Delete to go on"
)


def refusals(base: Loaded | None, new: Loaded, held: Collection[str], allowed: int | None) -> tuple[str, ...]:
    """Why the commit may not come into force; empty when it may. `allowed` is what it consents to."""
    if base is None:
        return () if allowed is not None else (_UNKNOWN,)
    mine = {key: item for key, item in new.fleet.objects.items() if owner_of(item.origin.path) not in held}
    mine |= {key: item for key, item in base.fleet.objects.items() if owner_of(item.origin.path) in held}
    return guard(base.fleet, replace(new.fleet, objects=mine), allowed)
