"""For any small fleet and any edits: a plan is what the sync then does, and a fault stays with its customer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from guru_server.reconcile.plan import Planner
from guru_server.store.database import Database
from guru_wire.operator import PlanRequest
from tests.conftest import sqlite_url
from tests.server.reconcile.conftest import SEED, World, ident, motd, named, policy
from tools.lab.remote import Remote

DEVICES = ("acme/hq/web1", "acme/hq/pc2", "bolt/hq/web1", "bolt/hq/pc2")
GROUP = named("DeviceGroup", "web").replace("spec: {}", "spec: {selector: 'name=web*', priority: 10}")
TEXTS = st.sampled_from(["one", "two", "three"])
FILES = {
    **SEED, "groups/web/group.yaml": GROUP, "groups/web/base.yaml": policy("base", "  agent: {facts: 600s}"),
}
EDITS = st.dictionaries(
    st.sampled_from([
        "org/base.yaml", "groups/web/base.yaml", "customers/acme/base.yaml", "customers/bolt/base.yaml",
        "customers/acme/sites/hq/more.yaml", "customers/bolt/sites/hq/more.yaml", "devices/acme/hq/web1.yaml",
    ]),
    st.one_of(
        TEXTS.map(lambda text: motd("base", text)),
        st.sampled_from([60, 90]).map(lambda pace: policy("base", f"  agent: {{heartbeat: {pace}s}}")),
        st.sampled_from(["kind: Polcy\n", policy("base", "  nonsense: 1"), "# nothing\n"]),
    ),
    min_size=1, max_size=3,
)
FAULTS = st.sampled_from([
    "kind: Polcy\n", "a: [", "\tx: 1\n", b"\xff\xfe", "a: &x [*x]\n", policy("base", "  nonsense: 1"), "x" * 2_000_000,
    policy("base", "  resources:\n    motd: {kind: file, path: /etc/motd, source: ../../bolt/base.yaml}"),
    named("Customer", "bolt"), policy("base", "  selector: 'a in ('"),
    policy("base", "  checks: {a: {kind: cpu}, a: {}}"),
    policy("base", "  resources:\n    a: {kind: file, path: /a, content: x, after: [a]}"),
])
PLACES = st.sampled_from([
    "customers/acme/base.yaml", "customers/acme/customer.yaml", "customers/acme/new.yaml",
    "customers/acme/sites/hq/site.yaml", "customers/acme/sites/hq/x.yaml", "customers/acme/sites/none/x.yaml",
    "devices/acme/hq/web1.yaml", "devices/acme/hq/x.yaml", "customers/acme/deep/er/x.yaml",
])
QUICK = settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def in_a_world(body: Callable[[World], Awaitable[None]]) -> None:
    """Run `body` in a fresh world with two customers of two devices."""

    async def run(folder: Path) -> None:
        for path, text in FILES.items():
            (folder / "seed" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "seed" / path).write_text(text)
        remote = Remote(folder / "remote")
        await asyncio.to_thread(remote.create, folder / "seed")
        db = Database.open(sqlite_url(folder / "guru.db"))
        try:
            world = World(remote, Mirror(folder / "data", Source(remote.url)), db)
            await world.enrol(*DEVICES)
            await world.sync()
            await body(world)
        finally:
            await db.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@given(st.lists(EDITS, min_size=1, max_size=2))
@QUICK
def test_a_plan_is_what_the_sync_then_does_and_a_second_sync_does_nothing(edits: list[dict[str, str]]) -> None:
    async def body(world: World) -> None:
        for edit in edits:
            before = await world.bundles()
            tip = await asyncio.to_thread(world.remote.push, "Edit", edit)
            plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip))
            assert await world.bundles() == before
            done = await world.sync()
            after = await world.bundles()
            again = await world.sync()

            changed = {device for device in after if after[device] != before.get(device)}
            assert {change.device for change in plan.devices} == changed
            assert plan.affected == done.devices_changed == len(changed)
            assert again.devices_changed == 0
            assert await world.bundles() == after

    in_a_world(body)


@given(PLACES, FAULTS, TEXTS)
@QUICK
def test_a_fault_in_one_customer_changes_nothing_for_another(place: str, fault: str | bytes, text: str) -> None:
    async def body(world: World) -> None:
        before = await world.bundles()
        await world.push("Break acme", {place: fault})
        broken = await world.bundles()
        await world.push("Change bolt", {"customers/bolt/base.yaml": motd("base", text)})
        after = await world.bundles()
        await world.push("Mend acme", {place: FILES.get(place, "# nothing\n")})

        for device in ("bolt/hq/web1", "bolt/hq/pc2"):
            name = ident(device)
            assert broken[name] == before[name]
            assert after[name][0] == before[name][0] + 1
            assert (await world.bundles())[name] == after[name]

    in_a_world(body)
