"""Results of compiling, kept from one revision to the next. A result is only given for equal input.

A commit changes a few files of thousands, and a customer whose objects, devices and files are what they were
compiles to what it did. Objects are compared by identity: loading.ParseCache gives the same ones for the same
path and bytes. No revision is part of the input, since none is part of a result.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from operator import is_
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from guru_policy.inventory import Device
from guru_policy.needing import Opened
from guru_policy.objects.object import Key, Object

CUSTOMERS = 10_000                      # that are remembered, the least lately asked for forgotten first
EACH = 2                                # results of each: what is in force, and what was planned
ResultT = TypeVar("ResultT")


class Asking(Protocol):
    """All that a result depends on."""

    def same(self, other: Self) -> bool:
        """Whether both give the same result."""
        ...


AskedT = TypeVar("AskedT", bound=Asking)


class Input(NamedTuple):
    """Everything that a customer's result depends on."""

    org: tuple[Object, ...]
    own: tuple[Object, ...]
    devices: bytes                      # digest_of_devices()
    digests: Mapping[str, str]
    opened: Mapping[Key, Opened] | None = None

    def same(self, other: Input) -> bool:
        """Whether both give the same result."""
        return (
            self.devices == other.devices and self.digests == other.digests and self.opened == other.opened
            and _identical(self.own, other.own) and _identical(self.org, other.org)
        )


class Results(Generic[AskedT, ResultT]):
    """The newest results of each customer."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[tuple[AskedT, ResultT]]] = OrderedDict()

    def get(self, customer: str, asked: AskedT) -> ResultT | None:
        """The result for this very input."""
        return next((result for known, result in self._kept.get(customer, ()) if known.same(asked)), None)

    def keep(self, customer: str, asked: AskedT, result: ResultT) -> None:
        """Remember it."""
        self._kept[customer] = [(asked, result), *self._kept.get(customer, ())][:EACH]
        self._kept.move_to_end(customer)
        if len(self._kept) > CUSTOMERS:
            self._kept.popitem(last=False)


def digest_of_devices(devices: Sequence[Device]) -> bytes:
    """SHA-256 over all that is known of the devices, in their order: devices themselves would fill memory."""
    seen = hashlib.sha256()
    for one in devices:
        seen.update(one.stamp or repr((one.id, one.name, *one.place, one.facts, one.op_labels)).encode(
            "utf-8", "surrogatepass"
        ))
        if one.overrides:
            seen.update(repr(one.overrides).encode("utf-8", "surrogatepass"))
    return seen.digest()


def _identical(one: Sequence[object], other: Sequence[object]) -> bool:
    return one is other or (len(one) == len(other) and all(map(is_, one, other)))
