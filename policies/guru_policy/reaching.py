"""Devices of a customer that the same layers reach, remembered from one revision to the next. It merges nothing.

What policies say changes often, whom they are for hardly ever. With the same selectors, labels and devices the
layers at the same places reach the same devices, and a commit that changes neither asks no selector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from guru_policy.applying import Applying, Reach, Whom
from guru_policy.faults import Fault
from guru_policy.fleet import Sources
from guru_policy.inventory import Device, Scalar
from guru_policy.remembering import Results

_NONE: frozenset[str] = frozenset()


class Alike(NamedTuple):
    """Devices (ids) of the same groups and layers, or with the same fault, that say they run on one platform."""

    reach: Reach | Fault
    groups: frozenset[str]
    platform: Scalar | None
    devices: tuple[str, ...]


class Addressed(NamedTuple):
    """Everything that who gets what depends on."""

    org: Whom
    own: Whom
    devices: bytes                      # remembering.digest_of_devices()

    def same(self, other: Addressed) -> bool:
        """Whether the same layers reach the same devices."""
        return self == other


def alike(
    sources: Sources, customer: str, applying: Applying, devices: Sequence[Device], seen: bytes,
    unplaced: Callable[[Device], Fault | None],
) -> tuple[Alike, ...]:
    """The customer's devices, those that get the same together. `seen` is their digest.

    `unplaced` is the fault of a device without a place in the repository, which depends on no more than that.
    """
    known = sources.customer.shared.setdefault("reached", Results[Addressed, tuple[Alike, ...]]())
    results = cast("Results[Addressed, tuple[Alike, ...]]", known)
    asked = Addressed(*applying.whom(customer), seen)
    found = results.get(customer, asked)
    if found is None:
        together: dict[tuple[Reach | Fault, frozenset[str], Scalar | None], list[str]] = {}
        for device in sorted(devices, key=lambda device: device.id):
            fault = unplaced(device)
            reach, groups = (fault, _NONE) if fault is not None else applying.reached(device)
            together.setdefault((reach, groups, device.facts.get("os")), []).append(device.id)
        found = tuple(Alike(*what, tuple(ids)) for what, ids in together.items())
        results.keep(customer, asked, found)
    return found
