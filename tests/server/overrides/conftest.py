"""The world of reconcile with somebody who overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Scalar
from guru_policy.labels import labels_of
from guru_server.fleet.finding import Labels
from guru_server.gitops.watch import Watch
from guru_server.overrides import store
from guru_server.overrides.setting import Eyes, Overrider
from guru_server.store.schema import TENANT
from guru_wire.overriding import OverrideRequest, OverrideRow
from tests.server.door import an_admins_rights
from tests.server.reconcile.conftest import World, policy
from tests.server.reconcile.conftest import world as world

HOUR = 3_600
CHECKS = {
    "org/checks.yaml": policy("checks", "  checks:\n    disk: {kind: disk_space, warning: 85%}\n    cpu: {kind: cpu}"),
}


async def eyes(name: str) -> Eyes:
    """Those of an admin, who sees and overrides everything."""
    rights = an_admins_rights(name)
    return Eyes(await rights.sight("device.read"), await rights.sight("override.set"))


class Hand:
    """A person at a server that reconciles nothing by itself: tests say when."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.watch = Watch(world.db, world.bus, world.mirror, world.reconciler, now=world.clock, poll=60.0)
        self.overrider = Overrider(world.db, world.reconciler, self.watch, self._labels, now=world.clock)

    async def set(self, selector: str, /, ttl: int = HOUR, *, most: int = 1, **values: Any) -> list[OverrideRow]:
        """Set values (`checks__disk__warning="80%"`) and compile."""
        paths = {name.replace("__", "."): value for name, value in values.items()}
        request = OverrideRequest(selector=selector, values=paths, ttl=ttl, reason="archive", max_devices=most)
        rows = await self.overrider.set(request, "ada", await eyes("ada"))
        await self.world.reconciler.refresh(None)
        return rows

    async def rows(self, *, ended: bool = False) -> list[OverrideRow]:
        return await self.world.db.read(
            lambda connection: store.rows(connection, TENANT, self.world.clock(), ended=ended))

    async def _labels(self) -> Labels:
        """Without `git/`: no selector here asks for it."""
        fleet = Fleet("", {}, {})

        def of(device: Device) -> Mapping[str, Scalar]:
            return labels_of(fleet, device)

        return of


@pytest.fixture
async def hand(world: World) -> Hand:
    """With two checks for everybody in force."""
    await world.push("Checks", CHECKS)
    return Hand(world)
