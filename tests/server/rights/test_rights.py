"""Rights from Git over the API: what a binding gives, what it hides, and that it ends with the commit that ends it."""

from __future__ import annotations

import httpx

from guru_server.identity.people import Limits
from guru_server.reconcile.rolling_back import roll_back
from guru_wire.planning import RollbackRequest
from tests.server.reconcile.conftest import ident, motd, policy
from tests.server.rights.conftest import ACME, BOLT, LAB, ROLES, Office, binding, role

ZULU = "  resources:\n    zulu: {kind: file, path: /etc/zulu, content: x}"


async def names(office: Office, headers: dict[str, str]) -> list[str]:
    answer = await office.http.get("/devices", headers=headers)
    return [row["name"] for row in answer.json().get("items", ())]


async def test_a_binding_gives_access_and_its_end_takes_it_at_once(office: Office) -> None:
    eve = await office.token("eve")
    before = (await office.http.get("/devices", headers=eve)).status_code
    added = {"org/eve.yaml": binding("eve", "user:eve", "tech", "customers/acme/sites/hq")}
    await office.push(added)
    then = await names(office, eve)
    gone = await office.push({"org/eve.yaml": None}, "Eve left\n\nGuru-Allow-Delete: 1")

    assert gone.outcome == "published", gone.reason
    assert before == 403
    assert then == ["apc1", "aserver1", "web1"]
    assert (await office.http.get("/devices", headers=eve)).status_code == 403


async def test_a_bad_commit_keeps_the_last_good_roles(office: Office) -> None:
    tom = await office.token("tom")
    pushed = await office.push({"org/roles.yaml": ROLES["org/roles.yaml"].replace("device.read", "device.raed")})

    assert pushed.outcome == "refused"
    assert len(await names(office, tom)) == 3


async def test_a_customers_folder_gives_nobody_anything(office: Office) -> None:
    eve = await office.token("eve")
    pushed = await office.push({
        "customers/acme/rights.yaml": ROLES["org/roles.yaml"] + "---\n" + binding("e", "user:eve", "all", "org"),
    })

    assert pushed.outcome == "partly-held"
    assert (await office.http.get("/devices", headers=eve)).status_code == 403


async def test_counts_status_and_plans_are_of_what_one_may_see(office: Office) -> None:
    tom = await office.token("tom")
    tip = (await office.push({"org/zulu.yaml": policy("zulu", ZULU),
                              "customers/bolt/more.yaml": motd("more", "bolt")}, "Zulu for bolt")).revision
    first = (await office.http.get("/revisions")).json()["items"][-1]["revision"]
    devices = (await office.http.get("/devices", headers=tom)).json()
    status = (await office.http.get("/status", headers=tom)).json()
    ask = {"revision": tip, "against": first}
    plan = (await office.http.post("/plans", headers=tom, json=ask)).json()
    whole = (await office.http.post("/plans", json=ask)).json()
    alerts = (await office.http.get("/alerts", headers=tom)).json()
    notes = (await office.http.get("/notifications", headers=tom)).json()

    assert devices["total"] == 3
    assert [one["customer"] for one in status["customers"]] == ["acme"]
    assert sum(status["devices"].values()) == 3
    assert {one["subject"] for one in status["revisions"]} == {""}
    assert {one["devices_changed"] for one in status["revisions"]} == {None}
    assert (plan["affected"], plan["by_customer"], plan["partial"]) == (3, {"acme": 3}, True)
    assert {one["name"] for one in plan["impact"]} <= {"acme", "acme/hq"}
    assert plan["objects"] == []
    assert (whole["affected"], whole["partial"], len(whole["objects"])) == (5, False, 2)
    assert (alerts["total"], notes["total"]) == (2, 2)
    assert {row["customer"] for row in (*alerts["items"], *notes["items"])} == {"acme"}
    assert (await office.http.post("/plans", headers=tom, json={"revision": tip, "exact": True})).status_code == 403


async def test_a_device_out_of_sight_is_told_like_one_that_is_not_there(office: Office) -> None:
    tom = await office.token("tom")
    hidden = await office.http.get(f"/devices/{ident(BOLT)}", headers=tom)
    missing = await office.http.get("/devices/nobody", headers=tom)
    shared = await office.http.get("/devices/web1", headers=tom)        # bolt has one of that name too

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["detail"].replace(ident(BOLT), "nobody") == missing.json()["detail"]
    assert hidden.json()["hint"] == missing.json()["hint"]
    assert shared.json()["customer"] == "acme"
    assert ("person:tom", f"device.read device:{ident(BOLT)}") in [row[:2] for row in await office.audited("Denied")]


async def test_a_set_is_changed_only_when_all_of_it_may_be(office: Office) -> None:
    tom = await office.token("tom")

    async def label(selector: str) -> httpx.Response:
        change = {"selector": selector, "set": {"tier": "gold"}, "max_devices": 9}
        return await office.http.post("/devices/labels", headers=tom, json=change)

    mixed, one, theirs = await label("name=a*"), await label("name=apc1"), await label("@bolt")

    assert (mixed.status_code, mixed.json()["exitCode"]) == (403, 8)
    assert "rule no-servers of role tech by binding tom (org/roles.yaml:" in mixed.json()["detail"]
    assert "for 1 of 2" in mixed.json()["detail"]
    assert "it allows 1 devices in one go and these are 2, for 1 of 2" in mixed.json()["detail"]
    assert "aserver1" not in mixed.text
    assert one.json()["devices"] == [ident(ACME)]
    assert theirs.json()["devices"] == []
    assert "tier" not in str((await office.http.get(f"/devices/{ident(LAB)}")).json()["labels"])
    [allowed] = await office.audited("Allowed")
    assert allowed[:2] == ("person:tom", "device.label tier=gold")
    assert "rule label of role tech by binding tom (org/roles.yaml:" in allowed[2]
    assert [row[1] for row in await office.audited("Denied")] == ["device.label tier=gold"]


async def test_a_label_by_which_a_role_decides_takes_more_than_labelling(office: Office) -> None:
    tom, ada = await office.token("tom"), await office.token("ada")
    change = {"selector": f"id={ident(ACME)}", "set": {"role": "server"}, "max_devices": 1}

    assert (await office.http.post("/devices/labels", headers=tom, json=change)).status_code == 403
    assert (await office.http.post("/devices/labels", headers=ada, json=change)).status_code == 200


async def test_a_server_that_knows_no_labels_yet_decides_as_if_the_worst_were_true(office: Office) -> None:
    tom = await office.token("tom")
    denied = binding("no", "user:tom", "no-gold", "org") + "---\n" + role(
        "no-gold", "    no: {effect: deny, verbs: [device.read], selector: git/tier=gold}")
    gold = "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq, labels: {tier: gold}}\nspec: {}\n"
    await office.push({"org/no.yaml": denied})
    seen = await names(office, tom)
    await office.push({"customers/acme/sites/hq/site.yaml": gold})

    assert len(seen) == 3
    assert await names(office, tom) == []


async def test_an_admin_made_on_the_machine_is_never_locked_out_by_git(office: Office) -> None:
    await office.push({"org/no.yaml": role("no", "    no: {effect: deny, verbs: ['*']}") + "---\n" + binding(
        "no", "user:root", "no", "org")})

    assert len(await names(office, {})) == 5
    assert (await office.http.get("/whoami")).json()["roles"] == [
        {"role": "admin", "binding": "token", "scope": "org", "at": "built in"}]


async def test_what_concerns_all_takes_a_right_to_all(office: Office) -> None:
    ada = await office.token("ada")                     # everything, in acme
    answers = [
        await office.http.post("/sync", headers=ada), await office.http.post("/rollbacks", headers=ada, json={}),
        await office.http.get("/keys", headers=ada), await office.http.get("/doctor", headers=ada),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert "no rule allows it" in answers[0].json()["detail"]


async def test_a_question_about_oneself_is_answered_with_the_rule(office: Office) -> None:
    tom = await office.token("tom")

    async def can(**query: str) -> dict[str, object]:
        found: dict[str, object] = (await office.http.get("/access/can", headers=tom, params=query)).json()
        return found

    split = await can(verb="shell.open", selector="name=a*")
    ticket = await office.http.get("/access/can", headers={**tom, "guru-ticket": "T-7"},
                                   params={"verb": "shell.open", "selector": "name=apc1"})
    placed = await can(verb="device.enroll", scope="customers/acme/sites/hq")

    assert (split["allowed"], split["devices"], split["allowed_devices"]) == (False, 2, 0)
    assert "no ticket is named" in str(split["told"])
    assert ticket.json()["allowed"] is True
    assert placed["allowed"] is True
    assert (await can(verb="policy.apply"))["allowed"] is False
    assert (await can(verb="shell.opne"))["hint"] == "did you mean `shell.open`?"


async def test_an_explanation_names_every_rule_and_needs_a_right_of_its_own(office: Office) -> None:
    tom, ada = await office.token("tom"), await office.token("ada")
    query = {"subject": "user:tom", "verb": "shell.open", "device": "aserver1"}
    told = (await office.http.get("/access/explain", headers=ada, params=query)).json()
    of_ada = await office.http.get("/access/explain", headers=tom, params={**query, "subject": "user:ada"})

    assert told["allowed"] is False
    assert told["decided_by"]["rule"] == "no-servers"
    assert told["decided_by"]["at"].startswith("org/roles.yaml:")
    assert {(rule["rule"], rule["effect"], rule["applies"]) for rule in told["rules"]} == {
        ("no-servers", "deny", True), ("shell", "allow", True)}
    assert (await office.http.get("/access/explain", headers=tom, params=query)).json() == told
    assert of_ada.status_code == 403


async def test_a_key_is_made_narrowed_used_and_ended(office: Office) -> None:
    ask = {"name": "ci", "verbs": ["device.read"], "scope": "customers/acme", "addresses": ["127.0.0.0/8"]}
    made = (await office.http.post("/keys", json=ask)).json()
    key = {"authorization": f"Bearer {made['key']}"}
    who = (await office.http.get("/whoami", headers=key)).json()
    seen = await names(office, key)
    refused = await office.http.get("/alerts", headers=key)
    listed = (await office.http.get("/keys")).json()["items"]
    await office.http.delete(f"/keys/{made['row']['id']}")

    assert (who["name"], who["kind"], who["role"], who["scope"]) == ("ci", "key", "", "customers/acme")
    assert [one["role"] for one in who["roles"]] == ["tech"]
    assert len(seen) == 3
    assert refused.status_code == 403
    assert "the token itself is not for this: it has no alert.read" in refused.json()["detail"]
    assert [(row["name"], row["last_used_at"] is not None) for row in listed] == [("ci", True)]
    assert made["key"] not in (await office.http.get("/keys")).text
    assert (await office.http.get("/whoami", headers=key)).status_code == 401


async def test_a_key_is_good_from_its_addresses_only(office: Office) -> None:
    elsewhere = await office.token("ci", kind="key", limits=Limits(addresses=("203.0.113.0/24",)))
    answer = await office.http.get("/whoami", headers=elsewhere)

    assert (answer.status_code, answer.json()["detail"]) == (401, "this token is not good from this address")


async def test_nobody_makes_a_key_that_may_more_than_its_maker(office: Office) -> None:
    await office.push({"org/hr.yaml": role("hr", "    keys: {verbs: [user.manage, device.read]}") + "---\n" + binding(
        "hr", "user:hr", "hr", "org")})
    hr = await office.token("hr")
    more = await office.http.post("/keys", headers=hr, json={"name": "ci"})
    less = await office.http.post("/keys", headers=hr, json={"name": "ci", "verbs": ["device.read"]})

    assert more.status_code == 403
    assert "and you cannot" in more.json()["detail"]
    assert less.status_code == 201


async def test_a_database_of_before_gets_the_rights_of_what_is_in_force(office: Office) -> None:
    from guru_server.rights.tables import rulebook

    tom = await office.token("tom")
    await office.world.db.write(lambda connection: connection.execute(rulebook.delete()).close())
    without = (await office.http.get("/devices", headers=tom)).status_code
    await office.world.reconciler.keep_rights()

    assert without == 403
    assert len(await names(office, tom)) == 3


async def test_a_rollback_brings_the_rights_of_its_revision_back(office: Office) -> None:
    eve, world = await office.token("eve"), office.world
    await office.push({"org/eve.yaml": binding("eve", "user:eve", "tech", "customers/acme")})
    before = len(await names(office, eve))
    await roll_back(world.db, world.reconciler, RollbackRequest(reason="oops"), "ada", None, world.clock)

    assert before == 3
    assert (await office.http.get("/devices", headers=eve)).status_code == 403


async def test_looking_at_keys_is_no_news_and_a_deed_for_all_is(office: Office) -> None:
    await office.http.get("/keys")
    await office.http.post("/keys", json={"name": "ci"})
    await office.http.post("/rollbacks", json={"reason": "x"})

    assert [(row[0], row[1]) for row in await office.audited("Allowed")] == [
        ("person:root", "user.manage org"), ("person:root", "policy.apply org")]


async def test_a_plan_tells_who_gains_and_warns_when_nobody_could_apply_any_more(office: Office) -> None:
    lead = role("lead", "    go: {verbs: [policy.apply]}") + "---\n" + binding("lead", "user:lea", "lead", "org")
    first = (await office.push({"org/lead.yaml": lead})).revision
    last = (await office.push({"org/lead.yaml": None})).revision
    plan = (await office.http.post("/plans", json={"revision": last, "against": first})).json()

    assert plan["rights"] == [
        {"subject": "user:lea", "scope": "org", "gains": [], "loses": ["policy.apply"]}]
    assert [fault["message"] for fault in plan["faults"]] == [
        "after this commit no Binding lets anybody apply policy"]
