"""The inventory over the API: who sees what of whom, pages, and what is found by which text."""

from __future__ import annotations

import pytest

from guru_policy.inventory import Place
from guru_server.inventory.recording import recorder
from tests.server.conftest import Api
from tests.server.inventory.test_recording import BASH, CURL, CURL_NEW, T, said

BIRCH = Place("birch", "hq")


@pytest.fixture
async def fleet(api: Api) -> dict[str, str]:
    """web1 of acme and db1 of birch, with software, addresses and people; by name, their ids."""
    ids = {"web1": await api.device("web1", facts={"serial": "7XK9Q"}), "db1": await api.device("db1", BIRCH)}
    items = [
        said("", "a", [CURL, BASH], device=ids["web1"]), said("a", "b", [CURL_NEW], device=ids["web1"], at=T + 7),
        said("", "a", [CURL], device=ids["db1"]),
        said("", "a", [("openssl", "3.0", "3.1", "Debian-Security", 1, "apt"), ("vim", "9", "9.1", "Debian", 0, "apt")],
             device=ids["web1"], table="updates"),
        said("", "a", [("eth0", "52:54:00:AA:bb:01", "10.0.4.11", "255.255.255.0")], device=ids["db1"],
             table="interfaces"),
        said("", "a", [("k.ruiz", "tty1", None)], device=ids["web1"], table="logged_in"),
    ]
    for item in items:
        await api.db.write(lambda connection, item=item: recorder(api.clock)(connection, [item]))
    return ids


async def rows(api: Api, path: str, **query: object) -> list[dict]:
    answer = await api.http.get(path, params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_device_s_tables_rows_and_changes(api: Api, fleet: dict[str, str]) -> None:
    tables = (await api.http.get("/inventory/tables/web1")).json()
    assert [(one["table"], one["rows"]) for one in tables["tables"]] == [
        ("logged_in", 1), ("packages", 2), ("updates", 2)]

    [curl] = await rows(api, "/inventory/rows/acme/hq/web1", table="packages", text="CUR")
    assert curl == {"row": {"arch": "amd64", "manager": "apt", "name": "curl", "version": "7.2"}, "since": T + 7}
    [change] = await rows(api, "/inventory/changes/web1")
    assert (change["change"], change["before"]["version"], change["after"]["version"]) == ("changed", "7.1", "7.2")
    assert await rows(api, "/inventory/changes/web1", since=T + 8) == []


async def test_changes_come_page_by_page_and_none_twice(api: Api, fleet: dict[str, str]) -> None:
    many = [(f"p{number}", "1", "amd64", "apt") for number in range(7)]
    await api.db.write(lambda connection: recorder(api.clock)(
        connection, [said("b", "c", many, device=fleet["web1"], at=T + 9)]))

    seen, cursor = [], ""
    while True:
        page = (await api.http.get("/inventory/changes/web1", params={"limit": 3, "cursor": cursor} if cursor else {
            "limit": 3})).json()
        assert page["total"] == 8
        seen += [one["name"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [*(f"p{number} amd64 apt" for number in range(7)), "curl amd64 apt"]


async def test_software_is_counted_and_its_holders_are_named(api: Api, fleet: dict[str, str]) -> None:
    found = await rows(api, "/inventory/software", text="cu")
    assert [(one["name"], one["version"], one["devices"]) for one in found] == [("curl", "7.1", 1), ("curl", "7.2", 1)]
    assert [one["name"] for one in await rows(api, "/inventory/software", selector="@birch")] == ["curl"]

    holders = await rows(api, "/inventory/holders", name="curl")
    assert [(one["name"], one["version"], one["since"]) for one in holders] == [
        ("web1", "7.2", T + 7), ("db1", "7.1", None)]
    assert [one["name"] for one in await rows(api, "/inventory/holders", name="curl", version="7.1")] == ["db1"]


async def test_updates_that_wait_are_told_with_those_of_security_first(api: Api, fleet: dict[str, str]) -> None:
    [row] = await rows(api, "/inventory/updates")

    assert (row["name"], row["updates"], row["security"], row["names"]) == ("web1", 2, 1, ["openssl", "vim"])


@pytest.mark.parametrize(("text", "found"), [
    ("52:54:00:aa", [("db1", "mac", "52:54:00:AA:bb:01")]),
    ("10.0.4.", [("db1", "ip", "10.0.4.11")]),
    ("RUIZ", [("web1", "logged in", "k.ruiz")]),
    ("7xk", [("web1", "serial", "7XK9Q")]),
    ("birch", [("db1", "customer", "birch")]),
    ("100%_", []),
])
async def test_a_device_is_found_by_anything(
    api: Api, fleet: dict[str, str], text: str, found: list[tuple[str, str, str]]
) -> None:
    seen = await rows(api, "/find", text=text)

    assert [(one["name"], one["field"], one["value"]) for one in seen] == found


@pytest.mark.parametrize(("path", "status"), [
    ("/inventory/rows/web1?table=holograms", 404), ("/inventory/tables/nobody", 404),
    ("/inventory/changes/web1?cursor=x", 400), ("/inventory/changes/web1?cursor=WzEsMl0=", 400), ("/find?text=a", 400),
    ("/inventory/software?selector=a=", 400), ("/inventory/software?cursor=-1", 400),
])
async def test_wrong_questions_are_told_so(api: Api, fleet: dict[str, str], path: str, status: int) -> None:
    assert (await api.http.get(path)).status_code == status
