"""What a second person has to agree to: kept as it was asked, decided by somebody else, run once."""

from __future__ import annotations

import httpx

from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, LAB, Office, binding, role

RULES = role("careful", (
    "    look: {verbs: [device.read, approval.give]}\n"
    "    few: {verbs: [command.run], conditions: {maxDevices: 1}}\n"
    "    many: {verbs: [command.run], conditions: {approval: true}}"
))
FILES = {"org/careful.yaml": RULES + "---\n" + "---\n".join(
    binding(name, f"user:{name}", "careful", scope)
    for name, scope in (("amy", "customers/acme"), ("bob", "customers/acme"), ("zoe", "customers/bolt"))
)}
BOTH = {"argv": ["echo", "hello"], "selector": f"id in ({ident(ACME)},{ident(LAB)})", "max_devices": 9}


async def waits(office: Office, headers: dict[str, str], body: dict[str, object] | None = None) -> str:
    """Ask for what needs a second person; the id of what waits."""
    answer = await office.http.post("/jobs", json=body or BOTH, headers=headers)
    assert answer.status_code == 403, answer.text
    return str(answer.json()["detail"].partition("approval ")[2].partition(" ")[0])


async def say(office: Office, word: str, ref: str, headers: dict[str, str]) -> httpx.Response:
    return await office.http.post(f"/approvals/{ref}/{word}", json={"reason": "fine"}, headers=headers)


async def test_more_devices_than_one_may_alone_run_when_somebody_else_agrees_and_once(office: Office) -> None:
    await office.push(FILES)
    amy, bob = await office.token("amy"), await office.token("bob")
    alone = await office.http.post("/jobs", json=BOTH | {"selector": f"id={ident(ACME)}"}, headers=amy)
    ref = await waits(office, amy)
    shown = (await office.http.get(f"/approvals/{ref}", headers=bob)).json()
    before = (await office.http.get("/jobs", headers=amy)).json()["total"]
    given = await say(office, "approve", ref, bob)
    again = await say(office, "approve", ref, bob)
    jobs = (await office.http.get("/jobs", headers=amy)).json()["items"]

    assert alone.status_code == 201
    assert (shown["path"], shown["devices"], shown["state"]) == ("/api/v1/jobs", 2, "pending")
    assert '"hello"' in shown["body"]
    assert shown["targets"] == ["acme/hq/apc1", "acme/hq/aserver1"]
    assert before == 1
    assert (given.json()["state"], given.json()["status"], again.status_code) == ("approved", 201, 409)
    assert sorted(one["total"] for one in jobs) == [1, 2]
    assert {one["actor"] for one in jobs} == {"person:amy"}
    assert [row[0] for row in await office.audited("ApprovalGiven")] == ["person:bob"]
    assert [row[0] for row in await office.audited("JobCreated")] == ["person:amy", "person:amy"]


async def test_nobody_agrees_to_their_own_by_whatever_token_or_key(office: Office) -> None:
    await office.push(FILES | {"org/key.yaml": binding("ci2", "key:ci2", "careful", "customers/acme")})
    amy, other = await office.token("amy"), await office.token("amy")
    ref = await waits(office, amy)
    own = [await say(office, "approve", ref, who) for who in (amy, other)]
    key = await office.token("ci2", kind="key")
    by_key = await say(office, "approve", ref, key)

    assert {one.status_code for one in own} == {403}
    assert "asked for themselves" in own[0].json()["detail"]
    assert by_key.status_code == 403
    assert (await office.http.get("/jobs", headers=amy)).json()["total"] == 0


async def test_what_a_key_asks_for_its_maker_does_not_agree_to(office: Office) -> None:
    await office.push(FILES | {"org/key.yaml": role("hr", "    keys: {verbs: [user.manage]}") + "---\n"
                               + binding("hr", "user:amy", "hr", "org") + "---\n"
                               + binding("ci2", "key:ci2", "careful", "customers/acme")})
    root = await office.http.post("/keys", json={"name": "ci2"})
    key = {"authorization": f"Bearer {root.json()['key']}"}
    ref = await waits(office, key)
    makers = await say(office, "approve", ref, {})

    assert (makers.status_code, "themselves" in makers.json()["detail"]) == (403, True)
    assert (await say(office, "approve", ref, await office.token("bob"))).json()["status"] == 201


async def test_out_of_sight_is_not_there_and_without_the_right_it_is_refused(office: Office) -> None:
    give = role("giver", "    give: {verbs: [approval.give, device.read]}") + "---\n" + binding(
        "gus", "user:gus", "giver", "org")
    await office.push(FILES | {"org/gus.yaml": give})
    ref = await waits(office, await office.token("amy"))
    zoe, gus = await office.token("zoe"), await office.token("gus")
    codes = [(await say(office, "approve", ref, who)).status_code for who in (zoe, gus)]

    assert codes == [404, 403]
    assert (await office.http.get("/approvals", headers=zoe)).json()["total"] == 0
    assert (await office.http.get("/approvals", headers=gus)).json()["total"] == 1


async def test_rights_are_decided_again_and_a_set_that_grew_does_not_run(office: Office) -> None:
    await office.push(FILES)
    amy, bob = await office.token("amy"), await office.token("bob")
    grown = await waits(office, amy, BOTH | {"selector": "name=a*"})
    await office.world.enrol("acme/hq/anew1")
    first = (await say(office, "approve", grown, bob)).json()
    lost = await waits(office, amy)
    await office.push({"org/careful.yaml": FILES["org/careful.yaml"].replace("user:amy", "user:eve")})
    second = (await say(office, "approve", lost, bob)).json()

    assert (first["state"], first["status"]) == ("failed", 403)
    assert (second["state"], second["status"]) == ("failed", 403)
    assert (await office.http.get("/jobs")).json()["total"] == 0


async def test_it_ends_by_itself_can_be_denied_and_ends_with_the_token(office: Office) -> None:
    await office.push(FILES)
    amy, bob = await office.token("amy", ttl=10_000), await office.token("bob")
    denied, late, ended = [await waits(office, amy) for _ in range(3)]
    said = (await say(office, "deny", denied, bob)).json()
    office.world.clock.now += 10_001_000
    gone = await say(office, "approve", ended, bob)
    office.world.clock.now += 4 * 3_600_000
    over = await say(office, "approve", late, bob)

    assert (said["state"], said["decided_by"]) == ("denied", "person:bob")
    assert (gone.status_code, "not good any more" in gone.json()["detail"]) == (403, True)
    assert over.status_code == 409
    assert (await office.http.get(f"/approvals/{late}", headers=bob)).json()["state"] == "expired"
    assert (await office.http.get("/jobs")).json()["total"] == 0


async def test_a_template_may_ask_for_somebody_with_a_role(office: Office) -> None:
    template = ("apiVersion: guru/v1\nkind: CommandTemplate\nmetadata: {name: reboot}\n"
                "spec: {shell: sh, script: reboot, approval: {role: careful}}\n")
    runner = role("runner", "    all: {verbs: [device.read, command.run, approval.give]}")
    bound = "---\n".join(binding(name, f"user:{name}", "runner", "org") for name in ("rob", "ray"))
    await office.push(FILES | {"org/reboot.yaml": template, "org/runner.yaml": runner + "---\n" + bound})
    rob, ray, bob = await office.token("rob"), await office.token("ray"), await office.token("bob")
    ref = await waits(office, rob, {"template": "reboot", "selector": f"id={ident(ACME)}", "max_devices": 1})
    without = await say(office, "approve", ref, ray)
    given = await say(office, "approve", ref, bob)

    assert (without.status_code, "takes the role careful" in without.json()["detail"]) == (403, True)
    assert (given.json()["state"], given.json()["status"]) == ("approved", 201)


async def test_a_deed_for_all_waits_as_well(office: Office) -> None:
    lead = role("lead", "    go: {verbs: [policy.apply, approval.give, device.read], conditions: {approval: true}}\n"
                        "    give: {verbs: [approval.give, device.read]}")
    bound = "---\n".join(binding(name, f"user:{name}", "lead", "org") for name in ("lea", "liz"))
    await office.push({"org/lead.yaml": lead + "---\n" + bound})
    asked = await office.http.post("/sync", headers=await office.token("lea"))
    ref = asked.json()["detail"].partition("approval ")[2].partition(" ")[0]
    given = await say(office, "approve", ref, await office.token("liz"))

    assert asked.status_code == 403
    assert (given.json()["state"], given.json()["status"] < 300) == ("approved", True)




async def test_a_refusal_over_and_over_makes_one_row(office: Office) -> None:
    tom = await office.token("tom")
    for _ in range(5):
        await office.http.post("/sync", headers=tom)

    assert len(await office.audited("Denied")) == 1
