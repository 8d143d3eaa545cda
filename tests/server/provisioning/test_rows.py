"""People and groups as rows of either database: pages, versions, who is in what, and what a deletion leaves."""

from __future__ import annotations

import subprocess
import sys

from tests.server.provisioning.conftest import Scim


async def test_a_deleted_person_leaves_a_name_for_the_log_and_nothing_else(scim: Scim) -> None:
    dee = await scim.add("dee@example.com", "o-1", displayName="Dee Doe", emails=[{"value": "dee@private.example"}])
    desk = await scim.group("rmm desk", dee)
    await scim("DELETE", f"/Users/{dee}")
    again = await scim.add("dee@example.com", "o-1")
    members = (await scim("GET", f"/Groups/{desk}")).json().get("members", [])

    assert (await scim("GET", f"/Users/{dee}")).status_code == 404
    assert (again != dee, members) == (True, [])
    assert [one[1] for one in await scim.told("PersonDeprovisioned")] == ["person:dee@example.com"]
    kept = await scim.desk.db.read(lambda connection: str(connection.exec_driver_sql(
        "SELECT * FROM scim_person WHERE deleted_at IS NOT NULL").all()))
    assert "Doe" not in kept
    assert "private" not in kept


async def test_what_entra_and_okta_send_about_groups_is_understood(scim: Scim) -> None:
    one, two = await scim.add("dee", "o-1"), await scim.add("eve", "o-2")
    desk = await scim.group("desk", one)
    for operations in (
        [{"op": "replace", "value": {"id": desk, "displayName": "rmm desk"}}],                              # Okta
        [{"op": "Add", "path": "members", "value": [{"$ref": None, "value": two}]}],                       # Entra
        [{"op": "Remove", "path": "members", "value": [{"$ref": None, "value": one}]}],                    # Entra, old
        [{"op": "add", "path": "members", "value": [{"value": one, "display": "dee"}]}],                   # Okta
        [{"op": "remove", "path": f'members[value eq "{two}"]'},
         {"op": "add", "path": "members", "value": [{"value": two}]},
         {"op": "Remove", "path": f'members[value eq "{two}"]'}, {"op": "remove", "path": 'members[value eq "none"]'}],
    ):
        answer = await scim.patch(f"/Groups/{desk}", *operations)
        assert answer.status_code == 200, answer.text
    small = (await scim("GET", '/Groups?filter=displayName eq "rmm desk"&excludedAttributes=members')).json()

    assert [member["value"] for member in answer.json()["members"]] == [one]
    assert "members" not in small["Resources"][0]


async def test_a_version_that_was_changed_since_is_not_overwritten(scim: Scim) -> None:
    dee = await scim.add("dee", "o-1")
    first = (await scim("GET", f"/Users/{dee}")).headers["etag"]
    change = {"op": "replace", "path": "displayName", "value": "Dee"}
    done = await scim.patch(f"/Users/{dee}", change, if_match=first)
    late = await scim.patch(f"/Users/{dee}", change, if_match=first)
    same = await scim("GET", f"/Users/{dee}", if_none_match=done.headers["etag"])

    assert (done.status_code, late.status_code, same.status_code) == (200, 412, 304)
    assert done.json()["meta"]["version"] == done.headers["etag"] == 'W/"2"'
    assert late.headers["content-type"] == "application/scim+json"
    assert done.headers["ratelimit"].startswith('"writes";r=')
    assert late.json()["status"] == "412"


async def test_a_page_is_cut_and_a_filter_and_an_order_hold(scim: Scim) -> None:
    for number in range(5):
        await scim.add(f"p{number}", f"o-{number}", active=number % 2 == 0)
    page = (await scim("GET", "/Users?startIndex=2&count=2")).json()
    some = (await scim("GET", '/Users?filter=userName sw "p" and (active eq false or externalId co "-4")'
                              "&sortBy=userName&sortOrder=descending")).json()
    none = (await scim("GET", "/Users?count=0")).json()

    assert ([one["userName"] for one in page["Resources"]], page["totalResults"]) == (["p1", "p2"], 5)
    assert [one["userName"] for one in some["Resources"]] == ["p4", "p3", "p1"]
    assert (none["totalResults"], none.get("Resources", [])) == (5, [])


def test_a_server_that_nobody_asks_by_scim_does_not_learn_it() -> None:
    asked = "import sys, guru_server.wiring; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=120, check=True)

    assert "guru_server.provisioning.api" in told.stdout.split()
    assert "scim2_models" not in told.stdout.split()
