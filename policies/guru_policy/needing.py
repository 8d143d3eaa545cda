"""Which secrets a device needs, found up the scope chain: its customer's, else the organisation's. It opens none.

What a value is like comes in from whoever could open it (`Opened`), so that a compile stays pure: a keyed
fingerprint, or why the file does not open. A name without a Secret object is the device's own affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from guru_policy.faults import Fault
from guru_policy.fleet import Sources
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import ORG, Scope

UNOPENED = "unopened"                   # the fingerprint where nobody could look, as on a laptop
MOST = 64                               # secrets of one device: all of them are one small download


class Opened(NamedTuple):
    """What whoever could open a Secret's file tells of it; `field` of the spec is where the trouble lies."""

    fingerprint: str = ""
    trouble: str = ""
    hint: str = ""
    field: str = "file"


class Needed(NamedTuple):
    """A secret of a device: the Secret object that gives it, and the keyed fingerprint of its value."""

    name: str
    secret: Key
    fingerprint: str


class Secrets:
    """The secrets that one customer's devices can name. `opened` None: nobody could look into any."""

    def __init__(self, sources: Sources, customer: str, opened: Mapping[Key, Opened] | None) -> None:
        self._sources, self._scope, self._opened = sources, Scope("customer", customer), opened

    def find(self, name: str) -> Object | None:
        """The Secret object that the name means for this customer."""
        return self._sources.customer.get("Secret", self._scope, name) or self._sources.org.get("Secret", ORG, name)

    def need(self, names: Iterable[str]) -> tuple[tuple[Needed, ...], tuple[Fault, ...]]:
        """Those that have an object, by name, and what is wrong with them."""
        needed: list[Needed] = []
        faults: list[Fault] = []
        for name in sorted(set(names)):
            item = self.find(name)
            if item is None:
                continue
            opened = Opened(UNOPENED) if self._opened is None else self._opened.get(item.key)
            if opened is None:
                opened = Opened(trouble="nobody opened its file")
            if opened.trouble:
                faults.append(Fault(item.at((opened.field,)), f"Secret {name}: {opened.trouble}", opened.hint))
            elif len(needed) == MOST:
                hint = "put some of them into one file"
                faults.append(Fault(item.origin, f"Secret {name}: a device has {MOST} secrets at most", hint))
                break
            else:
                needed.append(Needed(name, item.key, opened.fingerprint))
        return tuple(needed), tuple(faults)
