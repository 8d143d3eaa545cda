"""For any small fleet, edits and overrides: a plan is what the sync then does, and a fault stays with its customer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guru_policy.errors import GuruError, NotFound
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.plan import Planner
from guru_server.store.database import Database
from guru_wire.operator import PlanRequest
from tests.conftest import sqlite_url
from tests.server.overrides.conftest import Hand, eyes
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
DEEDS = st.one_of(
    st.tuples(
        st.just("set"), st.sampled_from([*DEVICES, "every"]), st.sampled_from([
            ("resources.motd.content", "four"), ("resources.motd", {"$remove": True}), ("mode", "observe"),
            ("agent.heartbeat", "30s"), ("checks.new", {"kind": "cpu"}), ("resources.motd.content", 4),
        ])),
    st.tuples(st.just("end"), st.just(""), st.just(("", None))),
    st.tuples(st.just("wait"), st.just(""), st.just(("", None))),
)
STEPS = st.lists(st.one_of(EDITS, EDITS, DEEDS), min_size=1, max_size=4)
HOUR = 3_600
Deed = tuple[str, str, tuple[str, Any]]         # set | end | wait, where, path and value
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


async def override(hand: Hand, deed: Deed) -> None:
    """Set something on one device or on all, end what is set, or let the time of all pass."""
    what, where, (path, value) = deed
    world = hand.world
    if what == "set":
        values = {path.replace(".", "__"): value}
        with suppress(GuruError):       # it does not fit, or overlaps: then nothing changed
            await hand.set("name" if where == "every" else f"id={ident(where)}", ttl=HOUR, most=9, **values)
    elif what == "wait":
        world.clock.forward(HOUR * 1000)
        await world.reconciler.expire()
    else:
        for row in await hand.rows():
            with suppress(NotFound):    # its deed ended with the row before
                await hand.overrider.remove(row.id, None, None, "ada", await eyes("ada"))
        await world.reconciler.refresh(None)


@given(STEPS, st.booleans())
@QUICK
def test_a_plan_is_what_the_sync_or_apply_then_does_and_a_second_one_does_nothing(
    steps: list[dict[str, str] | Deed], apply: bool
) -> None:
    async def body(world: World) -> None:
        hand = Hand(world)
        for step in steps:
            if isinstance(step, tuple):
                await override(hand, step)
                assert await world.reconciler.refresh(None) == 0
                continue
            before = await world.bundles()
            tip = await asyncio.to_thread(world.remote.push, "Edit", step)
            plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip, exact=True))
            assert await world.bundles() == before
            if apply and plan.exact is not None:
                await world.mirror.fetch()
                done = await apply_plan(world.reconciler, plan.exact, "ci", None)
                again = await apply_plan(world.reconciler, plan.exact, "ci", None)
            else:
                done, again = await world.sync(), await world.sync()
            after = await world.bundles()

            changed = {device for device in after if after[device] != before.get(device)}
            assert {change.device for change in plan.devices} == changed
            assert plan.affected == done.devices_changed == len(changed)
            assert again.devices_changed == 0
            assert await world.bundles() == after
            assert await world.reconciler.refresh(None) == 0
            assert plan.overridden == len(await hand.rows())
            for row in plan.overrides:
                assert not (row.masks and row.unfit)

    in_a_world(body)


@given(PLACES, FAULTS, TEXTS)
@QUICK
def test_a_fault_in_one_customer_changes_nothing_for_another(place: str, fault: str | bytes, text: str) -> None:
    async def body(world: World) -> None:
        await Hand(world).set(f"id={ident('bolt/hq/pc2')}", agent__heartbeat="30s")
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
