"""Signed commits on their whole way: what is refused changes nothing, and status and plan say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.errors import NotFound, Refused
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.plan import Planner
from guru_server.reconcile.rolling_back import roll_back
from guru_wire.operator import PlanRequest, SyncRequested
from guru_wire.planning import ExactPlan, RollbackRequest
from tests.server.gitops.signing import SshKey, fleet_yaml, signed_push, ssh_key
from tests.server.reconcile.conftest import World, ident, motd

ACME = "customers/acme/base.yaml"


async def asking_for_signatures(world: World, tmp_path: Path) -> SshKey:
    """A world whose repository is strict, and the one key that signs it."""
    key = ssh_key(tmp_path, "alice")
    await world.push("Ask for signatures", {"fleet.yaml": fleet_yaml("strict", alice=(key, ("**",)))})
    return key


async def back(world: World, revision: str | None) -> SyncRequested:
    request = RollbackRequest(revision=revision, reason="it broke")
    return await roll_back(world.db, world.reconciler, request, "ada", None, world.clock)


async def test_an_unsigned_commit_leaves_the_last_verified_one_in_force(world: World, tmp_path: Path) -> None:
    key = await asking_for_signatures(world, tmp_path)
    signed_push(world.remote, key, {ACME: motd("base", "signed")})
    good = await world.sync()
    before = await world.bundles()
    done = await world.push("Unsigned", {ACME: motd("base", "unsigned")})

    assert (good.outcome, done.outcome) == ("published", "refused")
    assert "it is not signed" in done.reason
    assert await world.bundles() == before
    shown = {one.type: (one.status, one.reason) for one in (await world.status()).conditions}
    assert shown["SourceVerified"] == (False, "Unverified")


async def test_status_tells_who_signed_what_is_in_force(world: World, tmp_path: Path) -> None:
    key = await asking_for_signatures(world, tmp_path)
    signed_push(world.remote, key, {ACME: motd("base", "signed")})
    await world.sync()

    told = await world.status()
    verified = next(one for one in told.conditions if one.type == "SourceVerified")
    assert (verified.status, verified.message) == (True, "signed by alice")
    assert (told.revisions[0].signature, told.revisions[0].signer) == ("verified", "alice")


async def test_signing_what_was_pushed_unsigned_needs_a_seal(world: World, tmp_path: Path) -> None:
    key = await asking_for_signatures(world, tmp_path)
    await world.push("Unsigned", {ACME: motd("base", "unsigned")})
    signed_push(world.remote, key, {}, "Sign\n")
    signed = await world.sync()
    signed_push(world.remote, key, {}, "Seal\n\nGuru-Seal: read by alice\n")
    sealed = await world.sync()

    assert (signed.outcome, sealed.outcome, sealed.devices_changed) == ("refused", "published", 1)


async def test_a_plan_says_that_the_sync_will_refuse_it(world: World, tmp_path: Path) -> None:
    await asking_for_signatures(world, tmp_path)
    tip = world.remote.push("Unsigned", {ACME: motd("base", "unsigned")})
    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip))

    assert [guard for guard in plan.guards if "it is not signed" in guard]
    assert [change.device for change in plan.devices] == [ident("acme/hq/web1")]


async def test_nobody_is_told_of_signatures_who_did_not_ask(world: World) -> None:
    await world.sync()

    assert "SourceVerified" not in {one.type for one in (await world.status()).conditions}


async def test_going_back_keeps_the_signer_and_the_next_check_starts_there(world: World, tmp_path: Path) -> None:
    key = await asking_for_signatures(world, tmp_path)
    good = signed_push(world.remote, key, {ACME: motd("base", "good")})
    await world.sync()
    signed_push(world.remote, key, {ACME: motd("base", "bad")})
    await world.sync()
    await back(world, good)
    held = await world.status()
    unsigned = await world.push("Unsigned", {ACME: motd("base", "unsigned")})
    signed_push(world.remote, key, {ACME: motd("base", "mended")}, "Mend\n\nGuru-Seal: read by alice\n")
    mended = await world.sync()

    assert (held.revisions[0].revision, held.revisions[0].signer) == (good, "alice")
    assert {one.reason for one in held.conditions if one.status} >= {"Verified", "RolledBack"}
    assert (unsigned.outcome, mended.outcome) == ("refused", "published")
    assert "it is not signed" in unsigned.reason


async def test_nobody_goes_back_to_before_signatures_were_asked_for(world: World, tmp_path: Path) -> None:
    first = await world.sync()
    key = await asking_for_signatures(world, tmp_path)
    signed = signed_push(world.remote, key, {ACME: motd("base", "signed")})
    await world.sync()
    before = await world.bundles()

    with pytest.raises(Refused, match="went back"):
        await back(world, first.revision)
    assert await world.bundles() == before
    assert (await world.status()).revisions[0].revision == signed


async def test_what_was_refused_cannot_be_rolled_back_to(world: World, tmp_path: Path) -> None:
    await asking_for_signatures(world, tmp_path)
    unsigned = await world.push("Unsigned", {ACME: motd("base", "unsigned")})

    with pytest.raises(NotFound, match="refused"):
        await back(world, unsigned.revision)


async def test_a_plan_of_an_unsigned_commit_cannot_be_applied(world: World, tmp_path: Path) -> None:
    await asking_for_signatures(world, tmp_path)
    before = await world.bundles()
    base = world.remote.head()
    tip = world.remote.push("Unsigned", {ACME: motd("base", "unsigned")})
    await world.mirror.fetch()
    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip, exact=True))
    forged = ExactPlan(base=base, target=tip, fleet="0" * 64, outcome="published")

    assert plan.exact is None
    with pytest.raises(Refused, match="not signed"):
        await apply_plan(world.reconciler, forged, "ci", None)
    assert await world.bundles() == before
