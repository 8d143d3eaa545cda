"""Devices compiled again with the sources in force, because the inventory changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from guru_policy.compiling import Compiled
from guru_policy.inventory import Device
from guru_server.reconcile.deciding import Get, Pair, compiled_for, devices_by_customer
from guru_server.reconcile.store import InForce


def refreshed(devices: Sequence[Device], before: InForce, get: Get) -> dict[str, tuple[str, Compiled]]:
    """The results by customer, each with the revision it is of.

    A customer that the repository does not name, or that never had a good revision, has no sources of
    its own: its devices wait. A customer whose revisions left the repository keeps what it has.
    """
    found: dict[str, tuple[str, Compiled]] = {}
    for customer, theirs in devices_by_customer(devices).items():
        pair = pair_of(customer, before)
        org, own = (get(pair.org), get(pair.customer)) if pair else (None, None)
        if pair and org and own:
            result, _ = compiled_for(customer, org, own, theirs, ())
            found[customer] = (pair.org, result)
    return found


def pair_of(customer: str, before: InForce) -> Pair | None:
    """What is in force for the customer; the newest good revision for one that has none of its own."""
    standing = before.standings.get(customer)
    if standing is not None:
        return standing.pair
    return Pair(before.base, before.base) if before.base else None
