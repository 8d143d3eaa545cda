"""The prune guard: a commit does not delete much unless it says so. It only counts."""

from __future__ import annotations

from collections import Counter

from guru_policy.fleet import Fleet
from guru_policy.kinds.fleet import FleetSpec, MaxDelete
from guru_policy.pairing import match

TRAILER = "Guru-Allow-Delete"
PROTECTED = ("Binding", "Customer", "NotificationChannel", "Role", "SignInPolicy", "Site")
NAMED = 5                               # objects in one sentence


def guard(old: Fleet | None, new: Fleet) -> tuple[str, ...]:
    """Why a change needs consent, a sentence each; nothing when it may go.

    The limits are those of the old revision, so that a commit cannot loosen them for itself.
    """
    if old is None:
        return ()
    matched = match(old, new)
    count, total = len(matched.deleted), len(old.objects)
    if not count:
        return ()
    limits = _limits(old)
    found: list[str] = []
    if count > limits.count:
        found.append(f"{_objects(count)} would be deleted, and limits.maxDelete.count is {limits.count}")
    if count * 100 > limits.percent * total:
        share = f"{count * 100 / total:.0f}%"
        found.append(f"{count} of {total} objects ({share}) would be deleted, and limits.maxDelete.percent "
                     f"is {limits.percent:g}%")
    left_kinds = {key.kind for key in new.objects}
    kinds = Counter(key.kind for key in matched.deleted)
    found += [f"the last {kind} would be deleted" for kind in sorted(kinds) if kind not in left_kinds]
    left_scopes = {matched.kept[key].scope for key in new.objects if key in matched.kept}
    left_scopes |= {key.scope for key in new.objects}
    scopes = {key.scope for key in matched.deleted} - left_scopes
    found += [f"everything in {scope} would be deleted" for scope in sorted(scopes, key=str)]
    for kind in PROTECTED:
        names = sorted(key.name for key in matched.deleted if key.kind == kind and key.scope not in scopes)
        if names and kind in left_kinds:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            found.append(f"{kind} {', '.join(names[:NAMED])}{more} would be deleted, and that kind is protected")
    consent = f"to allow it, end the commit message with `{TRAILER}: {count}`"
    return tuple(f"{reason}; {consent}" for reason in found)


def _limits(fleet: Fleet) -> MaxDelete:
    found = fleet.fleet_object()
    return found.spec.limits.max_delete if found and isinstance(found.spec, FleetSpec) else MaxDelete()


def _objects(count: int) -> str:
    return f"{count} object{'' if count == 1 else 's'}"
