"""From a push to sealed values, on SQLite and PostgreSQL: who gets which secret, when, and who never sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from guru_policy.errors import Untrusted
from guru_server.gateway.devices import keep_sealing_key
from guru_server.reconcile.plan import Planner
from guru_server.store.schema import TENANT
from guru_server.tables import metadata
from guru_wire.operator import PlanRequest
from guru_wire.sealing import open_value, read_sealed, sealing_key
from tests.server.reconcile.conftest import ident
from tests.server.secrets.conftest import ACME, BOLT, Keeper, wants

VALUE, NEW = b"correct horse battery staple", b"a quite different passphrase"
ACME_FOLDER = "customers/acme"


async def test_a_device_gets_the_values_it_uses_and_another_customers_device_none(keeper: Keeper) -> None:
    await keeper.push("A secret", {
        "customers/acme/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, ACME_FOLDER),
        **keeper.secret("unused", NEW, ACME_FOLDER),
    })

    assert await keeper.got(ACME) == {"pw": VALUE}
    assert await keeper.got(BOLT) is None
    assert [device for device, _ in await keeper.stored()] == [ident(ACME)]


async def test_a_policy_for_everybody_gives_each_customer_its_own_value(keeper: Keeper) -> None:
    await keeper.push("One policy", {
        "org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, ACME_FOLDER), **keeper.secret("pw", NEW, "org"),
    })

    assert await keeper.got(ACME) == {"pw": VALUE}
    assert await keeper.got(BOLT) == {"pw": NEW}


async def test_what_is_sealed_for_one_device_opens_with_no_other_key(keeper: Keeper) -> None:
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    acme, bolt = await keeper.world.manifest(ACME), await keeper.world.manifest(BOLT)
    assert acme is not None
    assert bolt is not None
    blob = read_sealed(await keeper.blob(acme.sealed))

    assert acme.sealed != bolt.sealed
    with pytest.raises(Untrusted):
        open_value(sealing_key(keeper.keys[BOLT]), ident(ACME), "pw", "", blob)


async def test_a_sync_that_changes_nothing_seals_nothing_anew(keeper: Keeper) -> None:
    files = {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")}
    await keeper.push("For all", files)
    before, stored = await keeper.world.bundles(), await keeper.stored()
    done = await keeper.push("Something else", {"org/readme.md": "hello"})
    again = keeper.world.another()

    assert (done.outcome, done.devices_changed) == ("published", 0)
    assert await again.refresh(None) == 0
    assert (await keeper.world.bundles(), await keeper.stored()) == (before, stored)


async def test_encrypting_the_same_value_anew_reaches_nobody(keeper: Keeper) -> None:
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    done = await keeper.push("Rotate", keeper.secret("pw", VALUE, "org"))

    assert (done.outcome, done.devices_changed) == ("published", 0)


async def test_a_new_value_reaches_exactly_those_who_use_it_and_shows_in_the_plan(keeper: Keeper) -> None:
    await keeper.push("Two", {
        "customers/acme/wants.yaml": wants("pw"), "customers/bolt/wants.yaml": wants("other"),
        **keeper.secret("pw", VALUE, "org"), **keeper.secret("other", VALUE, "org"),
    })
    bolt = await keeper.serial(BOLT)
    revision = keeper.world.remote.push("Change it", keeper.secret("pw", NEW, "org"))
    await keeper.world.mirror.fetch()
    planner = Planner(keeper.world.db, keeper.world.reconciler, keeper.world.clock)
    plan = await planner.plan(PlanRequest(revision=revision))
    done = await keeper.world.sync()

    assert await keeper.got(ACME) == {"pw": NEW}
    assert (done.devices_changed, await keeper.serial(BOLT)) == (1, bolt)
    ((change,),) = [one.fields for one in plan.devices]
    assert (plan.affected, change.path, change.why) == (1, "secrets.pw", "org/secret-pw.yaml:1")
    assert change.before != change.after
    assert not {VALUE.decode(), NEW.decode()} & {change.before, change.after}
    assert plan.objects == ()


async def test_equal_values_of_two_secrets_have_different_fingerprints(keeper: Keeper) -> None:
    await keeper.push("For all", {
        "org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, ACME_FOLDER), **keeper.secret("pw", VALUE, "org"),
    })
    bundles = await keeper.world.bundles()

    assert bundles[ident(ACME)][1] != bundles[ident(BOLT)][1]


async def test_a_device_with_a_new_sealing_key_gets_its_secrets_sealed_to_that(keeper: Keeper) -> None:
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    serial = await keeper.serial(ACME)
    keeper.keys[ACME] = Ed25519PrivateKey.generate()
    await keeper.meet(ACME)

    assert await keeper.world.reconciler.refresh([ident(ACME)]) == 1
    assert (await keeper.serial(ACME), await keeper.got(ACME)) == (serial + 1, {"pw": VALUE})


async def test_a_device_that_said_no_sealing_key_gets_its_state_without_secrets(keeper: Keeper) -> None:
    await keeper.world.db.write(lambda connection: keep_sealing_key(connection, TENANT, ident(ACME), ""))
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    without = await keeper.got(ACME)
    await keeper.meet(ACME)

    assert await keeper.world.reconciler.refresh([ident(ACME)]) == 1
    assert (without, await keeper.got(ACME)) == (None, {"pw": VALUE})


async def test_one_bad_sealing_key_costs_only_its_own_device(keeper: Keeper) -> None:
    await keeper.world.db.write(
        lambda connection: keep_sealing_key(connection, TENANT, ident(ACME), "A" * 43 + "="))
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})

    assert (await keeper.got(ACME), await keeper.got(BOLT)) == (None, {"pw": VALUE})


async def test_a_secret_that_the_server_cannot_open_holds_its_customer_at_the_last_good_state(keeper: Keeper) -> None:
    files = {"customers/acme/wants.yaml": wants("pw"), "customers/bolt/wants.yaml": wants("pw")}
    good = await keeper.push("Good", {
        **files, **keeper.secret("pw", VALUE, ACME_FOLDER), **keeper.secret("pw", VALUE, "customers/bolt"),
    })
    shut = keeper.secret("pw", NEW, ACME_FOLDER, server=False)
    done = await keeper.push("Without the server", {**shut, **keeper.secret("pw", NEW, "customers/bolt")})

    acme, bolt = await keeper.world.customer("acme"), await keeper.world.customer("bolt")
    assert done.outcome == "partly-held"
    assert (acme.state, acme.revision, bolt.state) == ("Held", good.revision, "InForce")
    assert "customers/acme/secret-pw.yaml:6" in acme.reason
    assert "recipients lack this server" in acme.reason
    assert acme.faults[0].hint.startswith("guru secrets recipients add")
    assert await keeper.got(ACME) == {"pw": VALUE}
    assert await keeper.got(BOLT) == {"pw": NEW}


@pytest.mark.parametrize("content", ["of another time", "cut", "junk"])
async def test_a_file_that_does_not_open_holds_its_customer_too(content: str, keeper: Keeper) -> None:
    await keeper.push("Good", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, ACME_FOLDER),
                               **keeper.secret("pw", VALUE, "customers/bolt")})
    path = "customers/acme/secrets/pw.age"
    whole = bytes(keeper.secret("pw", NEW, ACME_FOLDER)[path])
    files = {
        "of another time": bytes(keeper.secret("pw", NEW, ACME_FOLDER, server=False)[path]), "cut": whole[:-3],
        "junk": b"age-encryption.org/v1\njunk",
    }
    await keeper.push("Bad", {path: files[content]})

    acme = await keeper.world.customer("acme")
    assert acme.state == "Held"
    assert "customers/acme/secret-pw.yaml:5" in acme.reason
    assert "does not open with this server's key" in acme.reason
    assert (await keeper.world.customer("bolt")).state == "InForce"
    assert await keeper.got(ACME) == {"pw": VALUE}


async def test_a_secret_that_nobody_needs_may_be_shut(keeper: Keeper) -> None:
    done = await keeper.push("For the safe", keeper.secret("safe", VALUE, ACME_FOLDER, server=False))

    assert done.outcome == "published"


async def test_no_value_is_anywhere_in_the_database_or_the_data_folder(keeper: Keeper, tmp_path: Path) -> None:
    files = {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")}
    await keeper.push("For all", files)
    await keeper.push("Change it", keeper.secret("pw", NEW, "org"))
    tables = await keeper.world.db.read(
        lambda connection: repr([connection.execute(select(table)).all() for table in metadata.sorted_tables]))
    kept = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())

    assert '"values"' in tables
    for value in (VALUE, NEW):
        assert value.decode() not in tables
        assert value not in kept


async def test_what_was_replaced_is_forgotten_once_no_device_can_be_fetching_it(keeper: Keeper) -> None:
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    first = await keeper.stored()
    await keeper.push("Change it", keeper.secret("pw", NEW, "org"))
    both = await keeper.stored()
    keeper.world.clock.forward(3_600_000)
    await keeper.push("Not needed any more", {"org/wants.yaml": None})

    assert set(first) < set(both)
    assert len(both) == 4
    assert await keeper.stored() == []


async def test_a_renewed_manifest_keeps_its_secrets(keeper: Keeper) -> None:
    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    before = await keeper.world.manifest(ACME)
    keeper.world.clock.forward(4 * 86_400_000)

    assert await keeper.world.reconciler.renew() == 2
    after = await keeper.world.manifest(ACME)
    assert before is not None
    assert after is not None
    assert (after.serial, after.sealed) == (before.serial, before.sealed)
    assert after.issued_at > before.issued_at
    assert await keeper.got(ACME) == {"pw": VALUE}


async def test_going_back_brings_the_former_value_back(keeper: Keeper) -> None:
    from guru_server.reconcile.rolling_back import roll_back
    from guru_wire.planning import RollbackRequest

    await keeper.push("For all", {"org/wants.yaml": wants("pw"), **keeper.secret("pw", VALUE, "org")})
    await keeper.push("Change it", keeper.secret("pw", NEW, "org"))
    world = keeper.world

    await roll_back(world.db, world.reconciler, RollbackRequest(reason="it was wrong"), "ada", None, world.clock)

    assert await keeper.got(ACME) == {"pw": VALUE}
