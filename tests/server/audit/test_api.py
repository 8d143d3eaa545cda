"""The audit log over the API: found, exported, verified; and what people and strangers do is told in it."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import text

from guru_server.audit import checkpoints
from guru_server.audit.log import record
from guru_server.keys.keys import ServerKeys
from guru_server.store.schema import TENANT
from guru_wire.audit_chain import Checkpoint, Entry, Position, followed, genuine
from tests.server.audit.conftest import write
from tests.server.conftest import Api


async def found(api: Api, **query: object) -> list[dict[str, Any]]:
    answer = await api.http.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_rows_are_found_by_who_what_when_and_where(api: Api) -> None:
    await api.db.write(lambda connection: write(connection, 9))
    start = 1_700_000_000_000

    assert [row["device"] for row in await found(api, actor="person:p1", action="LabelsChanged")] == ["d7", "d4", "d1"]
    assert {row["device"] for row in await found(api, customer="birch")} == {"d2", "d4", "d6", "d8"}
    assert [row["device"] for row in await found(api, since=start + 8000, action="Labels*")] == ["d9", "d8"]
    assert [row["device"] for row in await found(api, until=start + 2000, action="LabelsChanged")] == ["d1"]
    assert [row["result"] for row in await found(api, text="ROLE=R3")] == ["role=r3"]
    assert await found(api, text="role%r3") == []
    assert [row["seq"] for row in await found(api, object="device:d5")] == [(await found(api, device="d5"))[0]["seq"]]


async def test_pages_lead_from_the_newest_row_to_the_first_and_overlap_nowhere(api: Api) -> None:
    await api.db.write(lambda connection: write(connection, 7))
    seen, cursor = [], None
    for _ in range(20):
        page = (await api.http.get("/audit", params={"limit": 3, "action": "LabelsChanged"} | (
            {"cursor": cursor} if cursor else {}))).json()
        seen += [row["device"] for row in page["items"]]
        assert page["total"] == 7
        if not (cursor := page.get("next")):
            break

    assert seen == ["d7", "d6", "d5", "d4", "d3", "d2", "d1"]
    assert (await api.http.get("/audit", params={"cursor": "x"})).status_code == 400


async def test_an_export_can_be_followed_from_its_own_rows_and_checkpoints(api: Api, server_keys: ServerKeys) -> None:
    keys = {base64.b64encode(server_keys.signer.public("audit")).decode()}
    await api.db.write(lambda connection: write(connection, 7))
    head = (await api.db.read(lambda connection: checkpoints.head(connection, TENANT))).at
    await api.db.write(lambda c: checkpoints.keep(c, server_keys.signer.checkpoint(TENANT, head, api.clock())))
    rows, marks, cursor = list[Entry](), list[Checkpoint](), None
    for _ in range(20):
        asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.http.get("/audit/export", params=asked)).json()
        rows += [Entry(**row) for row in page["entries"]]
        marks += [Checkpoint(**mark) for mark in page["checkpoints"]]
        if not (cursor := page.get("next")):
            break

    assert [mark.seq for mark in marks] == [head.seq]
    assert all(genuine(mark, keys) for mark in marks)
    assert followed(Position(), rows, checkpoints.lines(marks)) == Position(rows[-1].seq, rows[-1].hash)


async def test_a_verification_says_how_far_the_chain_holds_and_where_it_breaks(api: Api) -> None:
    await api.db.write(lambda connection: write(connection, 3))
    good = (await api.http.get("/audit/verification")).json()
    if api.db.dialect == "sqlite":
        await api.db.write(lambda c: c.execute(text("DROP TRIGGER audit_update")).close())
    else:
        await api.db.write(lambda c: c.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL")).close())
    await api.db.write(lambda c: c.execute(text("UPDATE audit SET result = 'x' WHERE device = 'd2'")).close())
    seq = (await found(api, device="d2"))[0]["seq"]
    bad = (await api.http.get("/audit/verification")).json()

    assert (good["ok"], good["broken"], good.get("next")) == (True, None, None)
    assert (bad["ok"], bad["broken"]) == (False, seq)
    assert "not as it was written" in bad["why"]


async def test_strangers_cannot_flood_the_log(api: Api) -> None:
    del api.http.headers["authorization"]
    for at in range(40):
        await api.http.get("/whoami", headers={"authorization": f"Bearer gurut_{at:016x}_{'x' * 43}"})
        await api.http.post("/webhooks/github", content=b"{}", headers={"x-hub-signature-256": "sha256=0"})
    api.http.headers["authorization"] = f"Bearer {await api.token('admin')}"
    rows = await found(api, actor="anybody")

    assert [(row["action"], row["object"], row["address"]) for row in rows] == [("SignInFailed", "token", "127.0.0.1")]
    assert rows[0]["result"] == "this token is not known here"


async def test_a_token_is_told_once_for_each_address_that_it_is_used_from(api: Api) -> None:
    for _ in range(3):
        await api.http.get("/whoami")
    rows = await found(api, action="TokenSeen")

    assert [(row["address"], row["result"]) for row in rows] == [("127.0.0.1", "from a new address")]
    assert rows[0]["actor"] == "person:somebody"
    assert len(rows[0]["request"]) == 16


async def test_what_people_do_is_told_with_device_customer_request_and_address(api: Api) -> None:
    device = await api.device("web1")
    await api.http.post("/devices/labels", json={"selector": "name=web1", "set": {"role": "web"}, "max_devices": 1})
    await api.http.delete("/devices/web1")
    rows = await found(api, device=device)

    assert [row["action"] for row in rows] == ["DeviceRevoked", "LabelsChanged"]
    assert {(row["customer"], row["address"], len(row["request"])) for row in rows} == {("acme", "127.0.0.1", 16)}


async def test_questions_to_the_log_are_told_once_for_each_kind(api: Api) -> None:
    for _ in range(3):
        await found(api, actor="person:vera")
        await api.http.get("/audit/export")
    rows = await found(api, object="audit")

    assert [(row["action"], row["result"]) for row in rows] == [
        ("AuditExported", "everything"), ("AuditRead", "actor=person:vera")]


async def test_the_doctor_tells_of_rows_that_nobody_signs(api: Api) -> None:
    def line(document: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in document["lines"] if one["name"] == "audit")

    await api.db.write(lambda c: record(c, api.clock(), "server", "Something", "x"))
    fresh = line((await api.http.get("/doctor")).json())
    api.clock.forward(600_000)
    late = line((await api.http.get("/doctor")).json())

    assert fresh["ok"]
    assert "anchored nowhere" in fresh["message"]
    assert (late["ok"], "is not signed yet" in late["message"]) == (False, True)
