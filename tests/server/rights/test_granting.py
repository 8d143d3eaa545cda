"""Rights for a while: granted by somebody who has them, over by the clock, and taken in an emergency aloud."""

from __future__ import annotations

import httpx

from guru_server.rights.emergency import emergencies
from guru_server.store.binding import whose
from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, LAB, Office, binding, role

LEAD = role("lead", "    all: {verbs: [device.read, device.label, alert.act, approval.give]}")
FIRE = role("firefighter", "    all: {verbs: [device.read, device.label, policy.apply]}").replace(
    "spec:\n", "spec:\n  breakGlass: true\n")
GLASS = role("on-call", "    glass: {verbs: [access.break_glass, device.read]}")
FILES = {"org/lead.yaml": "---\n".join([
    LEAD, FIRE, GLASS, binding("bob", "user:bob", "lead", "customers/acme"),
    binding("una", "user:una", "on-call", "org"), binding("max", "user:max", "lead", "org"),
])}
LABELLED = {"set": {"tier": "gold"}, "max_devices": 9}
WISH = {"verb": "device.label", "scope": "customers/acme", "selector": "name=a*", "seconds": 1800, "reason": "move"}


async def post(office: Office, path: str, headers: dict[str, str], **body: object) -> httpx.Response:
    return await office.http.post(path, json=body or {"reason": "fine"}, headers=headers)


async def label(office: Office, headers: dict[str, str], full: str) -> int:
    body = LABELLED | {"selector": f"id={ident(full)}"}
    return (await office.http.post("/devices/labels", json=body, headers=headers)).status_code


async def test_a_grant_holds_until_its_end_and_says_where_it_comes_from(office: Office) -> None:
    await office.push(FILES | {"org/eve.yaml": role("eye", "    look: {verbs: [device.read]}") + "---\n" + binding(
        "eve", "user:eve", "eye", "customers/acme")})
    eve, bob = await office.token("eve"), await office.token("bob")
    before = await label(office, eve, ACME)
    ref = (await post(office, "/access/requests", eve, **WISH)).json()["id"]
    own = await post(office, f"/access/requests/{ref}/approve", eve)
    pending = await label(office, eve, ACME)
    given = (await post(office, f"/access/requests/{ref}/approve", bob)).json()
    during = await label(office, eve, ACME)
    can = (await office.http.get("/access/can", params={"verb": "device.label", "selector": "name=apc1"},
                                 headers=eve)).json()
    roles = (await office.http.get("/whoami", headers=eve)).json()["roles"]
    told = (await office.http.get("/access/explain", params={
        "subject": "user:eve", "verb": "device.label", "device": "apc1"}, headers=eve)).json()
    office.world.clock.now += 1_800_000
    after = await label(office, eve, ACME)

    assert (before, own.status_code, pending, during, after) == (403, 403, 403, 200, 403)
    assert given["state"] == "granted"
    assert can["reasons"][0]["at"].startswith("granted by bob until ")
    assert can["reasons"][0]["at"].endswith(f"request {ref}")
    assert any(one["at"].startswith("granted by bob") for one in roles)
    assert told["allowed"] is True
    assert told["decided_by"]["at"].startswith("granted by bob until ")
    assert [row[0] for row in await office.audited("AccessGranted")] == ["person:bob"]


async def test_a_deny_of_the_repository_wins_over_a_grant(office: Office) -> None:
    await office.push(FILES)
    tom, bob = await office.token("tom"), await office.token("bob")     # servers are denied to tom
    ref = (await post(office, "/access/requests", tom, **WISH)).json()["id"]
    await post(office, f"/access/requests/{ref}/approve", bob)

    assert await label(office, tom, LAB) == 403


async def test_nobody_gives_what_they_have_not_and_keys_give_nothing(office: Office) -> None:
    await office.push(FILES)
    tom, bob = await office.token("tom"), await office.token("bob")
    wishes = [WISH | {"verb": "device.revoke"}, WISH | {"scope": "org"}, WISH | {"verb": "", "role": "all"}]
    refs = [(await post(office, "/access/requests", tom, **wish)).json()["id"] for wish in wishes]
    codes = [(await post(office, f"/access/requests/{ref}/approve", bob)).status_code for ref in refs]

    assert codes == [403, 404, 403]             # of all of the organisation bob hears nothing
    assert (await post(office, "/access/requests", await office.token("ci", kind="key"), **WISH)).status_code == 403
    assert (await office.http.get("/access/requests", headers=bob)).json()["total"] == 2


async def test_a_grant_can_be_ended_before_its_time(office: Office) -> None:
    await office.push(FILES)
    tom, bob = await office.token("tom"), await office.token("bob")
    ref = (await post(office, "/access/requests", tom, **WISH | {"verb": "alert.act"})).json()["id"]
    await post(office, f"/access/requests/{ref}/approve", bob)
    acknowledge = f"/alerts/a{0:031x}/acknowledgement"
    during = (await office.http.post(acknowledge, json={}, headers=tom)).status_code
    ended = (await post(office, f"/access/requests/{ref}/revoke", bob)).json()["state"]

    assert (during, ended) == (200, "revoked")
    assert (await office.http.post(acknowledge, json={}, headers=tom)).status_code == 403
    assert (await post(office, f"/access/requests/{ref}/approve", bob)).status_code == 409


async def test_break_glass_is_told_by_the_status_until_somebody_else_looked(office: Office) -> None:
    await office.push(FILES)
    una, boss = await office.token("una"), await office.token("max")

    async def told() -> list[tuple[str, str]]:
        return [(one.reason, one.message) for one in await office.world.db.read(
            lambda connection: emergencies(connection, whose(connection), office.world.clock()))]

    assert await told() == []
    ref = (await post(office, "/access/break-glass", una, reason="all is down", seconds=900)).json()["id"]
    [(reason, message)] = await told()
    status = (await office.http.get("/status", headers=boss)).json()
    office.world.clock.now += 900_000
    [(later, ask)] = await told()
    await post(office, f"/access/requests/{ref}/review", boss)

    assert (reason, "una has" in message, "all is down" in message) == ("InForce", True, True)
    assert "BreakGlass" in {one["type"] for one in status["conditions"]}
    assert (later, f"guru access review {ref}" in ask) == ("NotReviewed", True)
    assert await told() == []


async def test_break_glass_gives_the_role_of_the_repository_at_once_and_wants_a_review(office: Office) -> None:
    await office.push(FILES)
    una, tom, boss = await office.token("una"), await office.token("tom"), await office.token("max")
    before = await label(office, una, ACME)
    ref = (await post(office, "/access/break-glass", una, reason="all is down", seconds=900)).json()["id"]
    during = await label(office, una, ACME)
    others = (await post(office, "/access/break-glass", tom, reason="me too")).status_code
    own = (await post(office, f"/access/requests/{ref}/review", una)).status_code
    office.world.clock.now += 900_000
    after = await label(office, una, ACME)
    reviewed = (await post(office, f"/access/requests/{ref}/review", boss)).json()

    assert (before, during, others, after) == (403, 200, 403, 403)
    assert own in (403, 404)
    assert reviewed["reviewed_by"] == "person:max"
    assert [row[0] for row in await office.audited("BreakGlass")] == ["person:una"]
    assert [row[0] for row in await office.audited("BreakGlassReviewed")] == ["person:max"]
