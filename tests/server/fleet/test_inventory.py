"""The inventory as compiles see it: always as the database has it, and read out of JSON only when that is news."""

from __future__ import annotations

from sqlalchemy import Connection, text

from guru_policy.inventory import Place
from guru_server.fleet.inventory import Inventory
from guru_server.store.schema import TENANT
from tests.server.conftest import Api


async def test_a_device_that_did_not_change_is_the_same_object_at_the_next_look(api: Api) -> None:
    changing, staying = await api.device("web1", facts={"cpus": 4}), await api.device("web2")
    inventory = Inventory(TENANT)
    before = {one.id: one for one in await api.db.read(inventory.read)}

    def change(connection: Connection) -> None:
        connection.execute(text("UPDATE device SET facts = :facts WHERE id = :id"),
                           {"facts": '{"cpus":true}', "id": changing})

    await api.db.write(change)
    after = {one.id: one for one in await api.db.read(inventory.read)}

    assert after[staying] is before[staying]
    assert (before[changing].facts, after[changing].facts) == ({"cpus": 4}, {"cpus": True})
    assert before[changing].stamp != after[changing].stamp


async def test_a_device_that_was_revoked_is_seen_no_more_and_a_new_one_is(api: Api) -> None:
    gone = await api.device("web1")
    inventory = Inventory(TENANT)
    await api.db.read(inventory.read)
    revoke = text("UPDATE device SET revoked_at = 1 WHERE id = :id")
    await api.db.write(lambda connection: connection.execute(revoke, {"id": gone}).rowcount)
    new = await api.device("web1", Place("acme", "branch"))

    assert [one.id for one in await api.db.read(inventory.read)] == [new]
