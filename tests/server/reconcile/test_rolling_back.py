"""A rollback works at once and without Git, and the bad tree stays out until a commit differs."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from guru_policy.errors import Conflict, NotFound, Refused
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.plan import Planner
from guru_server.reconcile.rolling_back import roll_back
from guru_wire.operator import PlanRequest, SyncRequested
from guru_wire.planning import RollbackRequest
from tests.server.reconcile.conftest import World, customer, ident, motd

ACME = "acme/hq/web1"


def acme(number: int) -> dict[str, str]:
    return {"customers/acme/base.yaml": motd("base", f"acme {number}")}


async def back(world: World, revision: str | None = None) -> SyncRequested:
    request = RollbackRequest(revision=revision, reason="it broke")
    return await roll_back(world.db, world.reconciler, request, "ada", None, world.clock)


async def held(world: World) -> list[tuple[str, str]]:
    return [(one.reason, one.message) for one in (await world.status()).conditions if one.type == "Held" and one.status]


async def test_the_former_revision_is_in_force_at_once_with_a_newer_serial(world: World) -> None:
    first = await world.sync()
    old = (await world.bundles())[ident(ACME)]
    await world.push("Change", acme(2))

    done = await back(world)

    assert (done.revision, done.outcome, done.devices_changed) == (first.revision, "published", 1)
    assert (await world.bundles())[ident(ACME)] == (3, old[1])
    assert (await world.customer("acme")).revision == first.revision


async def test_the_bad_tree_stays_out_even_in_another_commit(world: World) -> None:
    first = await world.sync()
    await world.push("Change", acme(2))
    await back(world)

    again = await world.sync()
    same = await world.push("The same files", {})

    assert (again.outcome, same.outcome) == ("held", "held")
    assert (await world.customer("acme")).revision == first.revision
    assert [reason for reason, _ in await held(world)] == ["RolledBack"]
    assert "ada rolled back to" in (await held(world))[0][1]


async def test_a_commit_that_differs_ends_it(world: World) -> None:
    await world.sync()
    await world.push("Change", acme(2))
    await back(world)

    done = await world.push("Mend", acme(3))

    assert (done.outcome, done.devices_changed) == ("published", 1)
    assert await held(world) == []


async def test_a_faulty_commit_does_not_end_it(world: World) -> None:
    await world.sync()
    await world.push("Change", acme(2))
    await back(world)

    assert (await world.push("Bad", {"org/bad.yaml": "kind: Polcy\n"})).outcome == "refused"
    assert "RolledBack" in [reason for reason, _ in await held(world)]


async def test_it_needs_no_git_and_survives_a_rewritten_branch(world: World) -> None:
    first = await world.sync()
    await world.push("Change", acme(2))
    await asyncio.to_thread(shutil.rmtree, world.remote.bare)

    assert (await back(world)).revision == first.revision


async def test_a_restarted_server_keeps_holding(world: World) -> None:
    await world.sync()
    bad = await world.push("Change", acme(2))
    await back(world)

    again = await world.another().reconcile_commit(str(bad.revision))

    assert again.outcome == "held"


async def test_going_back_twice_goes_further_and_holds_both(world: World) -> None:
    first = await world.sync()
    second = await world.push("Two", acme(2))
    third = await world.push("Three", acme(3))

    assert (await back(world)).revision == second.revision
    assert (await back(world)).revision == first.revision
    for bad in (second, third):
        assert (await world.reconciler.reconcile_commit(str(bad.revision))).outcome == "held"


async def test_deletions_need_no_trailer_to_go_back(world: World) -> None:
    first = await world.sync()
    await world.push("A customer", customer("cedar"))

    assert (await back(world)).revision == first.revision


async def test_there_must_be_something_to_go_back_to(world: World) -> None:
    with pytest.raises(NotFound):
        await back(world)
    done = await world.sync()
    with pytest.raises(NotFound):
        await back(world)
    with pytest.raises(Conflict):
        await back(world, done.revision)
    with pytest.raises(NotFound):
        await back(world, "1" * 40)


async def test_what_was_rolled_back_cannot_be_applied(world: World) -> None:
    await world.sync()
    bad = await world.push("Change", acme(2))
    await back(world)
    planner = Planner(world.db, world.reconciler, world.clock)
    plan = await planner.plan(PlanRequest(revision=bad.revision, exact=True))
    assert plan.exact is not None

    with pytest.raises(Refused, match="rolled back"):
        await apply_plan(world.reconciler, plan.exact, "ci", None)
