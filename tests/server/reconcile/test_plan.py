"""A plan tells what a sync then does, and writes nothing."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from guru_policy.errors import InputInvalid, NotFound
from guru_policy.tree import git_blob_id
from guru_server.reconcile.explain import explained
from guru_server.reconcile.plan import Planner
from guru_server.tables import metadata
from guru_wire.operator import PlanRequest
from tests.server.reconcile.conftest import SEED, World, customer, ident, motd, named, policy


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


async def test_whom_it_concerns_is_counted_by_customer_site_and_group(world: World) -> None:
    group = named("DeviceGroup", "web").replace("{}", "{priority: 10, selector: 'name=web*'}")
    await world.push("A group", {"groups/groups.yaml": group})
    await world.enrol("acme/hq/db1")
    await world.reconciler.refresh(None)
    tip = world.remote.push("Change", {"org/base.yaml": policy("base", "  agent: {heartbeat: 30s}")})

    plan = await planner(world).plan(PlanRequest(revision=tip))

    assert [(one.by, one.name, one.devices, one.offline) for one in plan.impact] == [
        ("customer", "acme", 2, 2), ("customer", "bolt", 1, 1),
        ("site", "acme/hq", 2, 2), ("site", "bolt/hq", 1, 1),
        ("group", "web", 2, 2),
    ]
    assert (plan.affected, plan.offline) == (3, 3)


async def test_every_field_says_from_to_and_why(world: World) -> None:
    await world.sync()
    tip = world.remote.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")})

    plan = await planner(world).plan(PlanRequest(revision=tip))

    (field,) = plan.devices[0].fields
    assert (field.path, field.before, field.after) == ("resources.motd.content", "acme 1", "acme 2")
    assert field.why == "customers/acme/base.yaml:6"
    (field,) = plan.objects[0].fields
    assert (field.path, field.why) == ("spec.resources.motd.content", "customers/acme/base.yaml:6")


async def test_what_is_taken_away_names_who_took_it(world: World) -> None:
    await world.sync()
    tip = world.remote.push("Take it away", {"customers/acme/sites/hq/own.yaml": policy(
        "own", "  resources: {motd: {$remove: true}}")})

    plan = await planner(world).plan(PlanRequest(revision=tip))

    assert {field.why for field in plan.devices[0].fields} == {
        "customers/acme/sites/hq/own.yaml:5"}


async def test_another_commit_can_be_the_other_side(world: World) -> None:
    first = (await world.sync()).revision
    await world.push("Change acme", {"customers/acme/base.yaml": motd("base", "acme 2")})
    tip = world.remote.push("Change bolt", {"customers/bolt/base.yaml": motd("base", "bolt 2")})

    plan = await planner(world).plan(PlanRequest(revision=tip, against=first))

    assert (plan.base_revision, plan.by_customer) == (first, {"acme": 1, "bolt": 1})
    assert [one.path for one in plan.objects] == ["customers/acme/base.yaml", "customers/bolt/base.yaml"]
    assert (await planner(world).plan(PlanRequest(revision=tip))).by_customer == {"bolt": 1}


async def test_a_plan_to_apply_is_of_a_commit_against_what_is_in_force(world: World) -> None:
    done = await world.sync()

    with pytest.raises(InputInvalid):
        await planner(world).plan(PlanRequest(files={}, exact=True))
    with pytest.raises(InputInvalid):
        await planner(world).plan(PlanRequest(revision=done.revision, against=done.revision, exact=True))


async def test_a_plan_leaves_the_database_as_it_is_byte_by_byte(world: World, tmp_path: Path) -> None:
    await world.sync()
    tip = world.remote.push("Much", {
        "customers/acme/base.yaml": motd("base", "acme 2"), "customers/bolt/base.yaml": "kind: Polcy\n",
        **customer("cedar"), "org/base.yaml": policy("base", "  agent: {heartbeat: 30s}"),
    })
    files = {path: git_blob_id(body.encode()) for path, body in SEED.items()}
    before = await contents(world, tmp_path)

    plan = await planner(world).plan(PlanRequest(revision=tip, exact=True))
    await planner(world).plan(PlanRequest(files=files))

    assert plan.affected
    assert await contents(world, tmp_path) == before


async def contents(world: World, tmp_path: Path) -> object:
    """The bytes of SQLite's files; every row of every table on PostgreSQL."""
    if world.db.dialect == "sqlite":
        return {path.name: path.read_bytes() for path in tmp_path.glob("guru.db*") if not path.name.endswith("-shm")}
    return await world.db.read(lambda connection: {
        table.name: sorted(map(str, connection.execute(table.select()).all())) for table in metadata.sorted_tables})
async def test_an_unknown_revision_is_looked_for_while_others_reconcile(world: World) -> None:
    await world.sync()

    async with world.reconciler.lock:
        with pytest.raises(NotFound, match="is not in the fleet repository"):
            await asyncio.wait_for(planner(world).plan(PlanRequest(revision="0" * 40)), 60)
