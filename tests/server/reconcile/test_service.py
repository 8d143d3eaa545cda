"""From a push to signed manifests, on SQLite and PostgreSQL: what comes into force, and for whom."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, text

from guru_policy.errors import Conflict
from guru_server.fleet.tables import device
from guru_server.gateway.items import Received
from guru_server.leases import Fence, Lease
from guru_server.reconcile.downlink import blob_of
from guru_server.reconcile.reports import report_recorder
from guru_server.store.schema import TENANT
from guru_wire.manifest import MANIFEST_LIFE_MS
from guru_wire.uplink import Report
from tests.server.reconcile.conftest import World, customer, ident, motd, named

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"
BAD = "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: base}\nspec: {nonsense: 1}\n"
POLICIES = ("customers/acme/base.yaml", "customers/bolt/base.yaml", "org/base.yaml")


class Killed(Exception):
    """The process ends here."""


async def test_a_push_is_signed_and_published(world: World) -> None:
    done = await world.sync()

    assert (done.outcome, done.devices_changed) == ("published", 2)
    manifest = await world.manifest(ACME)
    assert manifest is not None
    assert (manifest.serial, manifest.revision) == (1, done.revision)
    assert await world.waiting() == {ident(ACME), ident(BOLT)}
    data = await world.db.read(lambda connection: blob_of(connection, TENANT, manifest.bundle))
    assert data is not None
    assert b"acme 1" in data


async def test_the_stages_come_in_order(world: World) -> None:
    await world.sync()

    assert world.stages == ["loaded", "compiled", "signed", "storing", "stored", "published"]


async def test_only_devices_whose_bundle_changed_get_a_new_serial(world: World) -> None:
    await world.sync()
    await world.waiting()
    done = await world.push("Change acme", {"customers/acme/base.yaml": motd("base", "acme 2")})

    bundles = await world.bundles()
    assert (bundles[ident(ACME)][0], bundles[ident(BOLT)][0]) == (2, 1)
    assert done.devices_changed == 1
    assert await world.waiting() == {ident(ACME)}


async def test_the_same_commit_again_writes_nothing_and_sends_nothing(world: World) -> None:
    await world.sync()
    await world.waiting()
    before = await snapshot(world)
    again = await world.sync()
    refreshed = await world.reconciler.refresh(None)

    assert (again.outcome, again.devices_changed, refreshed) == ("published", 0, 0)
    assert await snapshot(world) == before
    assert await world.waiting() == frozenset()


async def test_a_bad_customer_is_held_and_the_others_go_on(world: World) -> None:
    first = await world.sync()
    done = await world.push("Mixed", {
        "customers/acme/base.yaml": BAD, "customers/bolt/base.yaml": motd("base", "bolt 2"),
    })

    acme, bolt = await world.customer("acme"), await world.customer("bolt")
    assert done.outcome == "partly-held"
    assert (acme.state, acme.org_revision, acme.revision) == ("Held", done.revision, first.revision)
    assert "customers/acme/base.yaml" in acme.reason
    assert acme.faults[0].path == "customers/acme/base.yaml"
    assert (bolt.state, bolt.revision) == ("InForce", done.revision)
    assert {name: serial for name, (serial, _) in (await world.bundles()).items()} == {
        ident(ACME): 1, ident(BOLT): 2,
    }


async def test_a_held_customer_still_gets_the_new_files_of_the_organisation(world: World) -> None:
    await world.sync()
    await world.push("Break acme", {"customers/acme/base.yaml": BAD})
    issue = motd("more", "org").replace("/etc/motd", "/etc/issue").replace("motd:", "issue:")
    await world.push("New org", {"org/more.yaml": issue})

    manifest = await world.manifest(ACME)
    assert manifest is not None
    data = await world.db.read(lambda connection: blob_of(connection, TENANT, manifest.bundle))
    assert data is not None
    assert b"/etc/issue" in data
    assert b"acme 1" in data


async def test_a_bad_file_of_the_organisation_refuses_the_whole_commit(world: World) -> None:
    first = await world.sync()
    before = await world.bundles()
    changes = {"org/base.yaml": BAD, "customers/acme/base.yaml": motd("base", "x")}
    done = await world.push("Break all", changes)

    assert done.outcome == "refused"
    assert "org/base.yaml" in done.reason
    assert await world.bundles() == before
    assert (await world.customer("acme")).revision == first.revision
    assert (await world.status()).conditions[0].reason == "Refused"


async def test_a_good_commit_after_a_bad_one_ends_the_hold(world: World) -> None:
    await world.sync()
    await world.push("Break acme", {"customers/acme/base.yaml": BAD})
    done = await world.push("Mend acme", {"customers/acme/base.yaml": motd("base", "acme 3")})

    assert done.outcome == "published"
    assert (await world.customer("acme")).state == "InForce"


async def test_deleting_everything_is_refused_without_consent(world: World) -> None:
    await world.sync()
    before = await world.bundles()
    done = await world.push("Delete", dict.fromkeys(POLICIES))

    assert done.outcome == "refused"
    assert "Guru-Allow-Delete" in done.reason
    assert await world.bundles() == before


async def test_deleting_everything_with_the_trailer_is_done(world: World) -> None:
    await world.sync()
    done = await world.push("Delete\n\nGuru-Allow-Delete: 3\n", dict.fromkeys(POLICIES))

    assert (done.outcome, done.devices_changed) == ("published", 2)


async def test_a_trailer_with_too_small_a_number_is_no_consent(world: World) -> None:
    await world.sync()
    done = await world.push("Delete\n\nGuru-Allow-Delete: 2\n", dict.fromkeys(POLICIES))

    assert done.outcome == "refused"


async def test_a_consent_is_not_lost_when_others_push_after_it(world: World) -> None:
    await world.sync()
    await asyncio.to_thread(
        world.remote.push, "Delete\n\nGuru-Allow-Delete: 3\n", dict.fromkeys(POLICIES))
    done = await world.push("Something else", {"README.md": "Hello\n"})

    assert (done.outcome, done.devices_changed) == ("published", 2)


async def test_a_consent_never_covers_what_a_later_commit_deletes(world: World) -> None:
    await world.sync()
    await asyncio.to_thread(
        world.remote.push, "Delete\n\nGuru-Allow-Delete: 99\n", {POLICIES[0]: None})
    done = await world.push("Delete more", dict.fromkeys(POLICIES[1:]))

    assert done.outcome == "refused"
    assert "the last Policy would be deleted" in done.reason


async def test_a_consent_that_came_into_force_is_used_up(world: World) -> None:
    await world.sync()
    await world.push("Delete\n\nGuru-Allow-Delete: 99\n", {POLICIES[0]: None})
    done = await world.push("Delete more", dict.fromkeys(POLICIES[1:]))

    assert done.outcome == "refused"


async def test_what_a_held_customer_would_lose_is_counted_when_it_moves(world: World) -> None:
    path, channel = "customers/acme/inbox.yaml", named("NotificationChannel", "inbox")
    await world.push("Add", {path: channel.replace("{}", "{type: webhook, url: 'https://inbox.example/'}")})
    held = await world.push("Break acme", {"customers/acme/base.yaml": BAD, path: None})
    done = await world.push("Mend acme", {"customers/acme/base.yaml": motd("base", "acme 2")})

    assert (held.outcome, done.outcome) == ("partly-held", "refused")
    assert "the last NotificationChannel would be deleted" in done.reason


async def test_a_customer_without_files_and_devices_is_forgotten(world: World) -> None:
    await world.sync()
    await world.push("Add", customer("cedar"))
    gone = dict.fromkeys(customer("cedar"))
    done = await world.push("Remove cedar\n\nGuru-Allow-Delete: 3\n", gone)

    assert done.outcome == "published"
    assert [one.customer for one in (await world.status()).customers] == ["acme", "bolt"]


async def test_a_commit_that_cannot_be_listed_is_refused_and_recorded(world: World) -> None:
    await world.sync()
    before = await world.bundles()
    blob = world.remote.git("hash-object", "-w", "--stdin", stdin="a: 1\n")
    world.remote.push_nested(f"100644 blob {blob}\ta.yaml", levels=14)
    done = await world.sync()

    assert done.outcome == "refused"
    assert "the list of the commit's files is longer" in done.reason
    assert await world.bundles() == before


async def test_a_force_push_is_recorded_as_a_rewrite(world: World) -> None:
    await world.sync()
    old = world.remote.head()
    world.remote.git("checkout", "--quiet", "--orphan", "fresh")
    world.remote.push("Start again", {"customers/acme/base.yaml": motd("base", "again")}, force=True)
    done = await world.sync()

    assert done.outcome == "published"
    assert done.reason == f"the branch was rewritten: it no longer holds {old[:12]}"


async def test_an_odd_file_name_is_a_fault_of_its_customer(world: World) -> None:
    await world.sync()
    done = await world.push("Odd", {"customers/acme/a\nb.yaml": "a: 1\n"})

    assert done.outcome == "partly-held"
    assert (await world.customer("acme")).state == "Held"
    assert "\n" not in (await world.customer("acme")).reason


async def test_a_link_among_the_policies_is_a_fault_of_its_customer(world: World) -> None:
    await world.sync()
    (world.remote.work / "customers/acme/evil.yaml").symlink_to("/etc/passwd")
    done = await world.push("Link")

    assert done.outcome == "partly-held"
    assert "link" in (await world.customer("acme")).reason


async def test_a_new_device_gets_its_manifest_without_a_commit(world: World) -> None:
    await world.sync()
    await world.waiting()
    await world.enrol("acme/hq/web2")
    count = await world.reconciler.refresh({ident("acme/hq/web2")})

    assert count == 1
    assert await world.manifest("acme/hq/web2") is not None
    assert await world.waiting() == {ident("acme/hq/web2")}


async def test_a_sweep_heals_what_the_bus_lost(world: World) -> None:
    await world.sync()
    await world.enrol("bolt/hq/web2")

    assert await world.another().refresh(None) == 1
    assert await world.manifest("bolt/hq/web2") is not None


async def test_manifests_past_half_their_life_are_signed_again(world: World) -> None:
    await world.sync()
    before = await world.manifest(ACME)
    assert await world.reconciler.renew() == 0
    world.clock.forward(MANIFEST_LIFE_MS // 2 + 1)
    assert await world.reconciler.renew() == 2
    after = await world.manifest(ACME)

    assert before is not None
    assert after is not None
    assert (after.serial, after.bundle) == (before.serial, before.bundle)
    assert after.expires_at > before.expires_at


async def test_all_that_are_due_are_renewed_a_few_at_a_time(world: World) -> None:
    await world.enrol(*(f"acme/hq/more{number}" for number in range(5)))
    await world.sync()
    world.clock.forward(MANIFEST_LIFE_MS // 2 + 1)

    assert await world.reconciler.renew(at_once=3) == 7
    assert await world.reconciler.renew() == 0


async def test_the_manifest_of_a_revoked_device_ends(world: World) -> None:
    await world.sync()
    gone = device.update().where(device.c.id == ident(ACME)).values(revoked_at=world.clock())
    await world.db.write(lambda connection: connection.execute(gone).rowcount)
    world.clock.forward(MANIFEST_LIFE_MS // 2 + 1)

    assert await world.reconciler.renew() == 1
    assert await world.manifest("bolt/hq/web1") is not None


@pytest.mark.parametrize(("serial", "bundle"), [(1, "f" * 64), (7, "")], ids=["the same", "a later"])
async def test_a_serial_that_this_database_lost_is_passed_over(world: World, serial: int, bundle: str) -> None:
    await world.sync()
    before = await world.manifest(ACME)
    assert before is not None
    run = Report(
        run="a" * 32, serial=serial, revision="lost", bundle=bundle or before.bundle, started_at=1, finished_at=2,
        cause="manifest", converged=True,
    )
    said = [Received(TENANT, ident(ACME), 1, run.model_dump(mode="json"))]
    told = await world.db.write(lambda connection: report_recorder(world.clock)(connection, said))
    issued = [await world.reconciler.refresh({ident(ACME), ident(BOLT)}) for _ in range(2)]
    after = await world.manifest(ACME)

    assert told == {"inventory": {ident(ACME)}}
    assert issued == [1, 0]
    assert after is not None
    assert (after.serial, after.bundle) == (serial + 1, before.bundle)


async def test_a_report_of_a_known_manifest_issues_nothing(world: World) -> None:
    await world.sync()
    before = await world.manifest(ACME)
    assert before is not None
    run = Report(
        run="a" * 32, serial=1, revision="r", bundle=before.bundle, started_at=1, finished_at=2, cause="manifest",
        converged=True,
    )
    said = [Received(TENANT, ident(ACME), 1, run.model_dump(mode="json"))]
    told = await world.db.write(lambda connection: report_recorder(world.clock)(connection, said))

    assert told == {}
    assert await world.reconciler.refresh(None) == 0


@pytest.mark.parametrize("fatal", ["loaded", "compiled", "signed", "storing", "stored", "published"])
async def test_an_end_at_any_stage_leaves_the_old_state_or_the_new(world: World, fatal: str) -> None:
    await world.sync()
    before = await snapshot(world)
    tip = world.remote.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")})
    await world.mirror.fetch()

    def end(stage: str) -> None:
        if stage == fatal:
            raise Killed

    with pytest.raises(Killed):
        await world.another(end).reconcile_commit(tip)
    between = await snapshot(world)
    done = await world.another().reconcile_commit(tip)

    assert (between == before) == (fatal in ("loaded", "compiled", "signed", "storing"))
    assert done.outcome == "published"
    assert (await world.bundles())[ident(ACME)][0] == 2


async def test_a_server_that_lost_its_lease_stores_nothing(world: World) -> None:
    first = await Lease(world.db, "reconcile", "one").acquire()
    assert first is not None
    await world.sync(first)
    before = await snapshot(world)
    stale = Fence("reconcile", first.number - 1)

    with pytest.raises(Conflict):
        await world.push("Change", {"customers/acme/base.yaml": motd("base", "acme 2")}, stale)
    assert await snapshot(world) == before


async def snapshot(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row that reconcile keeps."""

    def read(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        tables = ("revision", "customer_source", "manifest", "bundle", "blob", "device_fault", "device_state")
        return {
            name: sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in tables
        }

    return await world.db.read(read)
