"""A plan tells what a sync then does, and writes nothing."""

from __future__ import annotations

import asyncio
import base64

import pytest

from guru_policy.errors import InputInvalid, NotFound
from guru_policy.tree import git_blob_id
from guru_server.reconcile.explain import explained
from guru_server.reconcile.plan import Planner
from guru_wire.operator import PlanRequest
from tests.server.reconcile.conftest import SEED, World, ident, motd


def planner(world: World) -> Planner:
    return Planner(world.db, world.reconciler, world.clock)


async def test_a_plan_of_a_commit_is_what_the_sync_then_does(world: World) -> None:
    await world.sync()
    before = await world.bundles()
    tip = world.remote.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")})
    plan = await planner(world).plan(PlanRequest(revision=tip))
    assert await world.bundles() == before
    done = await world.sync()

    assert [change.device for change in plan.devices] == [ident("acme/hq/web1")]
    assert (plan.affected, plan.by_customer) == (done.devices_changed, {"acme": 1})
    assert [(one.action, one.path) for one in plan.objects] == [("change", "customers/acme/base.yaml")]


async def test_files_are_planned_once_their_blobs_are_here(world: World) -> None:
    await world.sync()
    text = motd("base", "acme 9").encode()
    blob = git_blob_id(text)
    files = {path: git_blob_id(body.encode()) for path, body in SEED.items()}
    files["customers/acme/base.yaml"] = blob

    asked = await planner(world).plan(PlanRequest(files=files))
    assert asked.needs_blobs == (blob,)
    sent = {blob: base64.b64encode(text).decode()}
    assert (await planner(world).plan(PlanRequest(files=files, blobs=sent))).affected == 1
    with pytest.raises(InputInvalid):
        await planner(world).plan(PlanRequest(files=files, blobs={"0" * 40: sent[blob]}))


async def test_explain_names_the_file_that_decides(world: World) -> None:
    await world.sync()
    told = await explained(world.db, world.reconciler, "acme/hq/web1", "resources.motd.content")

    assert told.value == "acme 1"
    assert told.candidates[0].path == "customers/acme/base.yaml"


async def test_an_unknown_revision_is_looked_for_while_others_reconcile(world: World) -> None:
    await world.sync()

    async with world.reconciler.lock:
        with pytest.raises(NotFound, match="is not in the fleet repository"):
            await asyncio.wait_for(planner(world).plan(PlanRequest(revision="0" * 40)), 60)
