"""`enforced` paths: what a layer below may no longer change. It finds who tried, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guru_policy.faults import Fault, Origin
from guru_policy.merged import Entry, Table, find, last_word, value_of


class Lock(NamedTuple):
    """A path and where it was enforced."""

    path: tuple[str, ...]
    origin: Origin


def lock_faults(locks: Sequence[Lock], before: Table, after: Table) -> Iterator[Fault]:
    """A fault at every leaf that differs below a lock, naming both places."""
    for lock in locks:
        old, new = find(before, lock.path), find(after, lock.path)
        if old is new:
            continue
        for path, entry in _differing(old, new, lock.path, after):
            yield Fault(
                entry.origin,
                f"{'.'.join(path)} is enforced by {lock.origin} and cannot change here",
                "take it out here, or have it taken out of `enforced`",
            )


def _differing(
    old: Entry | None, new: Entry | None, path: tuple[str, ...], after: Table
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    if isinstance(old, Table) and isinstance(new, Table):
        for key in {**old.entries, **new.entries}:
            was, now = old.entries.get(key), new.entries.get(key)
            if was is not now:
                yield from _differing(
                    was if was and was.live else None, now if now and now.live else None, (*path, key), after
                )
    elif old is None and new is None:
        return
    elif old is None or new is None or not _same(old, new):
        yield path, new if new is not None else last_word(after, path)


def _same(old: Entry, new: Entry) -> bool:
    one, other = value_of(old), value_of(new)
    return repr(one) == repr(other) if isinstance(one, bool | int | float) else one == other
