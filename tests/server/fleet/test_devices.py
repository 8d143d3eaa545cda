"""Devices through the API: finding, naming, labelling, revoking, and the facts they tell."""

from __future__ import annotations

import pytest

from guru_policy.inventory import Place
from guru_server.fleet.changing import record_facts
from guru_server.fleet.state import Signs, standing
from guru_server.gateway.items import Received
from guru_server.store.schema import TENANT
from guru_wire.operator import DeviceDetail, DeviceRow, Page
from tests.server.conftest import Api

NOW = 1_700_000_000_000


def signs(**changes: object) -> Signs:
    base = Signs(NOW, None, 60, desired_serial=3, applied_serial=3, converged=True, state_since=NOW - 5)
    return base._replace(**changes)


@pytest.mark.parametrize(
    ("now", "changes", "state", "online"),
    [
        (NOW, {}, "UpToDate", True),
        (NOW, {"converged": False}, "OutOfDate", True),
        (NOW, {"desired_serial": 4}, "Updating", True),
        (NOW, {"desired_serial": 4, "converged": False}, "Updating", True),
        (NOW, {"desired_serial": 0, "applied_serial": 0, "converged": None}, "Updating", True),
        (NOW + 180_000, {}, "UpToDate", True),
        (NOW + 180_001, {}, "Unknown", False),
        (NOW + 30_000, {"heartbeat": 5}, "Unknown", False),
        (NOW + 30_000, {"heartbeat": 5, "connected": "gw"}, "UpToDate", True),
        (NOW + 90_001, {"heartbeat": 5, "connected": "gw"}, "Unknown", False),
        (NOW, {"last_seen": None}, "Unknown", False),
    ],
)
def test_the_state_of_a_device(now: int, changes: dict[str, object], state: str, online: bool) -> None:
    stands = standing(signs(**changes), now)

    assert (stands.state, stands.online) == (state, online)


async def test_rows_are_what_the_wire_says_they_are(api: Api) -> None:
    await api.device("web1", facts={"os": "linux", "cpus": 4})
    page = Page[DeviceRow].model_validate_json((await api.http.get("/devices")).content)

    assert (page.total, page.items[0].os, page.items[0].labels["fact/cpus"]) == (1, "linux", 4)
    assert set((await api.http.get("/devices")).json()["items"][0]) == set(DeviceRow.model_fields)


async def test_pages_hold_every_device_once_and_in_order(api: Api) -> None:
    for at in range(25):
        await api.device(f"n{at:02}", Place("acme", "hq" if at % 2 else "Branch"))
    seen, cursor = [], None
    while True:
        params = {"limit": "7", **({"cursor": cursor} if cursor else {})}
        answer = (await api.http.get("/devices", params=params)).json()
        assert answer["total"] == 25
        seen += [(row["site"], row["name"]) for row in answer["items"]]
        if (cursor := answer["next"]) is None:
            break

    assert len(seen) == 25
    assert seen == sorted(seen)


async def test_a_selector_chooses_and_counts_all_that_match(api: Api) -> None:
    for at in range(6):
        await api.device(f"n{at}", facts={"os": "linux" if at % 2 else "windows"})
    answer = (await api.http.get("/devices", params={"selector": "fact/os=linux", "limit": "2"})).json()

    assert ([row["name"] for row in answer["items"]], answer["total"]) == (["n1", "n3"], 3)


async def test_a_name_that_two_have_is_a_conflict_that_lists_them(api: Api) -> None:
    await api.device("web1")
    await api.device("web1", Place("bolt", "hq"))
    answer = await api.http.get("/devices/web1")

    assert answer.status_code == 409
    assert "acme/hq/web1, bolt/hq/web1" in answer.json()["detail"]
    detail = DeviceDetail.model_validate((await api.http.get("/devices/bolt/hq/web1")).json())
    assert detail.customer == "bolt"


async def test_facts_are_shown_also_of_a_device_named_by_its_place(api: Api) -> None:
    await api.device("web1", facts={"os": "linux"})

    for ref in ("web1", "acme/hq/web1"):
        assert (await api.http.get(f"/devices/{ref}/facts")).json()["facts"] == {"os": "linux"}


async def test_labels_are_set_and_removed(api: Api) -> None:
    await api.device("web1")
    change = {"selector": "name=web1", "set": {"ring": "canary", "x": "1"}, "remove": []}
    await api.http.post("/devices/labels", json=change)
    await api.http.post("/devices/labels", json={"selector": "name=web1", "remove": ["x"]})

    labels = (await api.http.get("/devices/web1")).json()["labels"]
    assert labels == {"op/ring": "canary"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"selector": "name in (web1,web2)", "set": {"a": "b"}}, 403),
        ({"selector": "", "set": {"a": "b"}}, 400),
        ({"selector": "name=web1", "set": {"NOT A KEY": "b"}}, 400),
        ({"selector": "name=web1", "set": {"a": "b\x1b[31m"}}, 400),
    ],
)
async def test_a_label_change_that_reaches_too_far_changes_nothing(
    api: Api, change: dict[str, object], status: int
) -> None:
    for name in ("web1", "web2"):
        await api.device(name)

    assert (await api.http.post("/devices/labels", json=change)).status_code == status
    assert (await api.http.get("/devices/web1")).json()["labels"] == {}


async def test_a_revoked_device_is_gone_and_its_name_is_free(api: Api) -> None:
    first = await api.device("web1")
    with api.bus.subscribe("revoked") as heard:
        assert (await api.http.delete("/devices/web1")).status_code == 200
        assert await anext(heard) == {first}

    assert (await api.http.get(f"/devices/{first}")).status_code == 404


async def test_only_changed_facts_are_told_to_the_bus(api: Api) -> None:
    device = await api.device("web1", facts={"os": "linux"})

    async def told(facts: dict[str, object]) -> set[str]:
        body = {"at": NOW, "facts": facts, "services": []}
        topics = await api.db.write(
            lambda connection: record_facts(connection, [Received(TENANT, device, 1, body)])
        )
        return topics.get("inventory", set())

    assert await told({"os": "linux"}) == set()
    assert await told({"os": "debian\x1b[2J"}) == {device}
    assert (await api.http.get("/devices/web1/facts")).json()["facts"] == {"os": "debian [2J"}


async def test_a_label_change_on_more_devices_than_allowed_is_refused(api: Api) -> None:
    for name in ("web1", "web2"):
        await api.device(name)
    change = {"selector": "@acme", "set": {"role": "web"}, "max_devices": 1}
    answer = await api.http.post("/devices/labels", json=change)
    labelled = await api.http.get("/devices", params={"selector": "role=web"})

    assert answer.status_code == 403
    assert labelled.json()["total"] == 0
