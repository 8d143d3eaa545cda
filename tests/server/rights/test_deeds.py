"""Jobs, overrides, maintenance windows and exports by somebody who may see one customer only."""

from __future__ import annotations

import httpx

from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, BOLT, LAB, Office, binding, role

ECHO = {"argv": ["echo", "hello"], "max_devices": 9}


async def made(office: Office, headers: dict[str, str] | None, selector: str, **more: object) -> httpx.Response:
    ask = ECHO | {"selector": selector} | more
    return await office.http.post("/jobs", json=ask, headers=headers or {})


async def give(office: Office, name: str, rules: str, scope: str = "customers/acme") -> dict[str, str]:
    """Headers of somebody whom a new role and binding give these rules."""
    files = {f"org/{name}.yaml": role(name, rules) + "---\n" + binding(name, f"user:{name}", name, scope)}
    assert (await office.push(files)).outcome == "published"
    return await office.token(name)


async def test_of_a_job_on_many_customers_one_sees_the_devices_of_ones_own(office: Office) -> None:
    ada = await office.token("ada")
    job = (await made(office, None, f"id in ({ident(ACME)},{ident(BOLT)})")).json()["job"]
    listed = (await office.http.get("/jobs", headers=ada)).json()
    shown = (await office.http.get(f"/jobs/{job['id']}", headers=ada)).json()
    followed = (await office.http.get(f"/jobs/{job['id']}/progress", headers=ada)).json()
    printed = await office.http.get(f"/jobs/{job['id']}/output/{BOLT}", headers=ada)
    ended = await office.http.post(f"/jobs/{job['id']}/cancel", headers=ada)

    assert [(one["total"], one["counts"]) for one in listed["items"]] == [(1, {"queued": 1})]
    assert [one["name"] for one in shown["runs"]] == [one["name"] for one in followed["runs"]] == ["apc1"]
    assert ident(BOLT) not in str([listed, shown, followed])
    assert "zulu1" not in str([listed, shown, followed])
    assert (printed.status_code, ended.status_code) == (404, 403)


async def test_a_job_of_another_customer_is_as_good_as_not_there(office: Office) -> None:
    ada = await office.token("ada")
    job = (await made(office, None, "@bolt")).json()["job"]["id"]
    listed = (await office.http.get("/jobs", headers=ada)).json()
    answers = [
        (await office.http.request(way, f"/jobs/{ref}{rest}", headers=ada, json=body)).status_code
        for ref in (job, job[:8]) for way, rest, body in (
            ("GET", "", None), ("GET", "/progress", None), ("GET", f"/output/{BOLT}", None),
            ("POST", "/cancel", None), ("POST", "/rerun", {"max_devices": 9, "failed": False}),
        )
    ]

    assert (listed["items"], listed["total"]) == ([], 0)
    assert set(answers) == {404}
    assert (await office.http.get(f"/jobs/{job}")).json()["counts"] == {"queued": 2}


async def test_a_command_runs_on_all_that_match_and_are_seen_or_on_none(office: Office) -> None:
    eve = await give(office, "eve", (
        "    look: {verbs: [device.read, command.run]}\n"
        "    no-servers: {effect: deny, verbs: [command.run], selector: op/role=server}"
    ))
    mixed = await made(office, eve, f"id in ({ident(ACME)},{ident(LAB)},{ident(BOLT)})")
    fine = await made(office, eve, f"id in ({ident(ACME)},{ident(BOLT)})")
    nobody = await made(office, eve, "@bolt")

    assert (mixed.status_code, fine.status_code, nobody.status_code) == (403, 201, 404)
    assert fine.json()["job"]["total"] == 1
    assert [actor for actor, *_ in await office.audited("JobCreated")] == ["person:eve"]


async def test_free_commands_are_a_class_of_their_own_and_queries_a_verb(office: Office) -> None:
    cleaner = await give(office, "cleaner", (
        "    look: {verbs: [device.read]}\n    run: {verbs: [command.run], classes: [cleaning]}"
    ))
    free = await give(office, "free", "    run: {verbs: [device.read, command.run], classes: [ad-hoc]}")
    asker = await give(office, "asker", "    ask: {verbs: [device.read, query.run]}")
    question = {"argv": [], "query": {"sql": "select 1"}}
    codes = [
        (await made(office, who, f"id={ident(ACME)}", **ask)).status_code
        for who in (cleaner, free, asker) for ask in ({}, question)
    ]

    assert codes == [403, 403, 201, 403, 403, 201]


async def test_a_window_of_one_customers_people_is_for_its_devices_of_now(office: Office) -> None:
    ada = await office.token("ada")
    ask = {"selector": "site=hq", "seconds": 600, "reason": "moving"}
    opened = await office.http.post("/maintenance", json=ask, headers=ada)
    everywhere = await office.http.post("/maintenance", json=ask)
    theirs = await office.http.post("/maintenance", json=ask | {"selector": "@bolt"}, headers=ada)
    seen = (await office.http.get("/maintenance", headers=ada)).json()["items"]
    shut = await office.http.delete(f"/maintenance/{everywhere.json()['row']['id']}", headers=ada)

    assert (opened.status_code, theirs.status_code, shut.status_code) == (201, 404, 404)
    assert (opened.json()["devices"], everywhere.json()["devices"]) == (3, 5)
    assert [one["id"] for one in seen] == [opened.json()["row"]["id"]]


async def test_an_alert_of_another_customer_can_be_neither_seen_nor_taken_up(office: Office) -> None:
    ada, tom = await office.token("ada"), await office.token("tom")
    own, other = f"a{0:031x}", f"a{2:031x}"
    hidden = await office.http.get(f"/alerts/{other}", headers=ada)
    short = await office.http.get("/alerts/a0000000", headers=ada)
    stolen = await office.http.post(f"/alerts/{other}/acknowledgement", json={}, headers=ada)
    taken = await office.http.post(f"/alerts/{own}/acknowledgement", json={}, headers=ada)
    refused = await office.http.post(f"/alerts/{own}/acknowledgement", json={}, headers=tom)

    assert (hidden.status_code, short.status_code, stolen.status_code) == (404, 409, 404)
    assert (taken.status_code, taken.json()["acked_by"], refused.status_code) == (200, "ada", 403)


async def test_overrides_of_other_customers_are_neither_set_nor_seen_nor_ended(office: Office) -> None:
    ada = await office.token("ada")
    ask = {"selector": "site=hq", "values": {"agent.heartbeat": 70}, "ttl": 600, "reason": "busy", "max_devices": 9}
    both = await office.http.post("/overrides", json=ask)
    seen = (await office.http.get("/overrides", headers=ada)).json()
    theirs = await office.http.post("/overrides", json=ask | {"selector": "@bolt"}, headers=ada)
    ended = await office.http.delete(f"/overrides/{both.json()['items'][0]['id']}", headers=ada)
    left = (await office.http.get("/overrides")).json()

    assert both.status_code == 200, both.text
    assert {one["customer"] for one in seen["items"]} == {"acme"}
    assert theirs.status_code == 404
    assert {one["customer"] for one in ended.json()["items"]} == {"acme"}
    assert {one["customer"] for one in left["items"]} == {"bolt"}


async def test_exports_and_the_audit_log_are_for_those_who_see_everything(office: Office) -> None:
    ada = await office.token("ada")
    contents = {"state": "0" * 64, "blobs": ["0" * 40]}
    codes = [
        (await office.http.get("/exports", headers=ada)).status_code,
        (await office.http.post("/exports/contents", json=contents, headers=ada)).status_code,
        *[(await office.http.get(path, headers=ada)).status_code
          for path in ("/audit", "/audit/export", "/audit/verification")],
        (await office.http.get("/exports")).status_code,
    ]

    assert codes == [403, 403, 403, 403, 403, 200]
