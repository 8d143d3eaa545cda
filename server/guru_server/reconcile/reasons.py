"""Why a plan changes what it changes: the file and line of whoever decides now. Pure; it blocks while it resolves."""

from __future__ import annotations

from collections.abc import Mapping

from guru_policy.compiling import Compiler
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device
from guru_policy.objects.object import Object
from guru_policy.tracing import decided
from guru_server.reconcile.deciding import Get, Standing, compiler_for
from guru_server.reconcile.library import Loaded


class Reasons:
    """Answers for the devices of one decision, by the sources that the decision takes."""

    def __init__(self, new: Loaded, standings: Mapping[str, Standing], get: Get) -> None:
        self._new, self._standings, self._get = new, standings, get
        self._compilers: dict[str, Compiler | None] = {}

    def why(self, device: Device, path: str) -> str:
        """Who decides about a path of the device's document; empty when its sources left the repository."""
        compiler = self._compiler(device.place.customer)
        return str(decided(compiler.resolve(device).table, path.split("."))) if compiler else ""

    def groups(self, device: Device) -> frozenset[str]:
        """The groups that the device is in."""
        compiler = self._compiler(device.place.customer)
        return compiler.subject(device).groups if compiler else frozenset()

    def _compiler(self, customer: str) -> Compiler | None:
        if customer not in self._compilers:
            standing = self._standings.get(customer)
            pair = standing.pair if standing else None
            org, own = (self._loaded(pair.org), self._loaded(pair.customer)) if pair else (None, None)
            self._compilers[customer] = compiler_for(customer, org, own) if org and own else None
        return self._compilers[customer]

    def _loaded(self, revision: str) -> Loaded | None:
        return self._new if revision == self._new.fleet.revision else self._get(revision)


def places(fleet: Fleet | None) -> Mapping[tuple[str, str, str], Object]:
    """The objects by kind, folder and name, as changes name them."""
    return {(key.kind, str(key.scope), key.name): item for key, item in (fleet.objects if fleet else {}).items()}


def place_of(item: Object | None, path: str) -> str:
    """`file:line` of a field of an object, or of the deepest part of it that is written."""
    if item is None:
        return ""
    steps = path.split(".")
    origin = item.place(*steps[1:]) if steps[0] == "spec" else item.origin
    return f"{origin.path}:{origin.line}" if origin.line else origin.path
