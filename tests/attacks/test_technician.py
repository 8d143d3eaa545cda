"""Somebody with a token for one customer gets nothing of another, whatever paths, headers, bodies and cursors say.

What other rooms prove already (`tests/server/rights`) is not tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from guru_server.fleet.tables import device
from guru_server.identity.people import Limits
from guru_server.jobs.creating import create
from tests.conftest import Cluster
from tests.policy.writing import written
from tests.server.reconcile.conftest import ident, world
from tests.server.rights.conftest import ACME, BOLT, LAB, Office, office
from tests.server.rights.test_routes import routes

__all__ = ["office", "world"]

ID = ident(BOLT)
PATHS = [
    f"..%2f..%2fdevices%2f{ID}", f"%2e%2e/devices/{ID}", f"{ID}%00", ID.upper(), f"{ID}.", f"{ID}%20", f"%20{ID}",
    "acme/hq/../../bolt/hq/zulu1", "bolt%2fhq%2fzulu1", "bolt/hq/zulu1", "bolt/hq/zulu1.", "BOLT/HQ/ZULU1", f"./{ID}",
    "bolt//hq//zulu1", f"{ID}/", f"{ID};x=y", "%ff%fe", "*", "%25", "zulu1%0a", "bolt%5chq%5czulu1", "%00",
    f"{ID}/facts", f"{ID}%2ffacts", "x" * 3000, f"acme/hq/{ID}", "zulu1",
]
BODIES = [
    b'{"selector":"id=x","selector":"@bolt"}', b"[]", b"null", b'"x"', b"1e999", b"NaN", b"", b"\x00", b"\xff\xfe",
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 100_000, b'{"selector":"\\ud800"}', b'{"name":"\\u0000"}',
    b'{"selector":"\\u0000","set":{"a":"b"},"script":"\\u0000"}', b'{"max_devices":99999999999999999999999999}',
    b'{"reason":"\\u0000","selector":"@acme"}', b'{"customer":"acme","site":"\\u0000"}', b'{"selector":["@bolt"]}',
    b'{"selector":{"$ne":""}}', b'{"__proto__":{"role":"admin"}}', b'{"max_devices":true,"selector":"@bolt"}',
]
VALUES = ["\x00", "9" * 30, "-1", "1e5", "x" * 5000, "*" * 1999, "(" * 1500, "name=a," * 250, "%", "\u202e",
          "!@bolt", "'; drop table device; --", "name=zulu*", "customer!=acme"]
SELECTORS = [
    "name=*", "customer!=acme", "!customer", "customer in (bolt,acme)", "customer=b*", "customer=bol?", "name=zulu1",
    "site=hq", "id=*", f"id={ID}", f"id in ({ID},{ident(ACME)})", "group=everything", "group!=everything", "@bolt",
    "customer='acme' , name!=apc1", "op/role!=server", "!op/role", "name notin (apc1)", "customer=acme*",
]
HEADERS = [
    "guru-ticket", "idempotency-key", "if-none-match", "x-forwarded-for", "forwarded", "guru-proof", "range", "host",
    "x-http-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-request-id",
]
LABELS = ["op/role", "Role", " role", "role ", "role\x00", "git/role", "fact/role", "r\u043ele", "op/op/role"]


@pytest.fixture
def database_url(postgres: Cluster) -> Iterator[str]:
    """PostgreSQL: it takes no NUL and no half a character, so that what gets as far as there shows."""
    url = postgres.fresh()
    yield url
    postgres.drop(url)


def foreign(text: str) -> bool:
    """Whether an answer tells something of bolt that its sender did not say."""
    return any(word in text for word in ('"customer":"bolt"', '"name":"zulu1"', '"zulu1"', "enrolled_at"))


async def test_no_spelling_of_a_path_leads_to_another_customers_device(office: Office) -> None:
    ada, told = await office.token("ada"), []
    for method, path in sorted(routes(office.app)):     # type: ignore[arg-type]
        for word in PATHS if "{" in path else ():
            real, body = re.sub(r"{[^}]+}", lambda _, word=word: word, path), {} if method != "GET" else None
            answer = await office.http.request(method, real, json=body, headers=ada)
            if answer.status_code >= 500 or answer.status_code < 300 or foreign(answer.text):
                told.append(f"{method} {real[:80]}: {answer.status_code} {answer.text[:80]}")

    assert told == []
    assert foreign((await office.http.get("/devices/bolt/hq/zulu1")).text)


async def test_no_body_makes_a_route_fail_or_reach_further(office: Office) -> None:
    ada, told = await office.token("ada"), []
    for method, path in sorted(routes(office.app)):     # type: ignore[arg-type]
        real = re.sub(r"{[^}]+}", ident(ACME), path)
        for body in BODIES if method in ("POST", "PUT", "PATCH") else ():
            headers = {**ada, "content-type": "application/json"}
            answer = await office.http.request(method, real, content=body, headers=headers)
            if answer.status_code >= 500 or foreign(answer.text):
                told.append(f"{method} {real} {body[:40]!r}: {answer.status_code} {answer.text[:80]}")

    assert told == []


async def test_no_parameter_makes_a_route_fail_or_tell_more(office: Office) -> None:
    ada, told = await office.token("ada"), []
    for path, ways in office.app.openapi()["paths"].items():
        real = re.sub(r"{[^}]+}", ident(ACME), path.removeprefix("/api/v1"))
        said = [one["name"] for one in ways.get("get", {}).get("parameters", ()) if one["in"] == "query"]
        for name, value in ((name, value) for name in said if name != "wait" for value in VALUES):
            answer = await office.http.get(real, params={name: value}, headers=ada)
            if answer.status_code >= 500 or (answer.status_code < 300 and "zulu1" in answer.text):
                told.append(f"{real}?{name}={value[:30]}: {answer.status_code} {answer.text[:80]}")

    assert told == []


async def test_no_header_changes_who_asks_or_what(office: Office) -> None:
    tom, told = await office.token("tom"), []
    values = [b"x" * 7000, b"\x1b[2J\x00", b"\xff\xfe", b"*", b"127.0.0.1", b"/api/v1/audit", b"DELETE", b"root"]
    plain = (await office.http.get("/devices", headers=tom)).json()["items"]
    change = {"selector": f"id in ({ident(LAB)},{ID})", "set": {"a": "b"}, "max_devices": 2}
    for name, value in ((name, value) for name in HEADERS for value in values):
        headers = [*((key.encode(), text.encode()) for key, text in tom.items()), (name.encode(), value)]
        seen = await office.http.get("/devices", headers=headers)
        changed = await office.http.post("/devices/labels", headers=headers, json=change)
        if seen.status_code not in (200, 304) or (seen.status_code == 200 and seen.json()["items"] != plain):
            told.append(f"{name} {value[:20]!r}: {seen.status_code} {seen.text[:80]}")
        if changed.status_code not in (400, 403):
            told.append(f"{name} {value[:20]!r}: {changed.status_code} {changed.text[:80]}")
    rows = await office.audited("Denied")

    assert told == []
    assert len(plain) == 3
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(part for row in rows for part in row))


async def test_a_key_that_is_used_elsewhere_cannot_say_that_it_is_not(office: Office) -> None:
    key = await office.token("ci", kind="key", limits=Limits(addresses=("203.0.113.0/24",)))
    for spoof in ("x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "cf-connecting-ip", "host"):
        answer = await office.http.get("/whoami", headers={**key, spoof: "203.0.113.7"})

        assert (answer.status_code, answer.json()["detail"]) == (401, "this token is not good from this address"), spoof


async def test_no_selector_orders_or_shows_anything_of_another_customer(office: Office) -> None:
    await office.push({"org/g.yaml": written("DeviceGroup", "everything", "priority: 9\nselector: '@bolt'")})
    ada, reached, shown = await office.token("ada"), {}, {}
    for selector in SELECTORS:
        listed = await office.http.get("/devices", params={"selector": selector}, headers=ada)
        if '"bolt"' in listed.text:
            shown[selector] = listed.text[:200]
        made = await office.http.post("/jobs", headers=ada, json={
            "selector": selector, "argv": ["id"], "max_devices": 9})
        if made.status_code == 201:
            runs = (await office.http.get(f"/jobs/{made.json()['job']['id']}")).json()["runs"]
            reached[selector] = {one["customer"] for one in runs}

    assert shown == {}
    assert reached.pop("name=*") == {"acme"}
    assert {selector: found for selector, found in reached.items() if found != {"acme"}} == {}
    for ref in (ID, "zulu1", BOLT, f"../{BOLT}"):
        answer = await office.http.post("/jobs", headers=ada, json={"device": ref, "argv": ["id"]})
        assert answer.status_code in (400, 404, 422), (ref, answer.text)


async def test_no_spelling_of_a_label_changes_what_a_role_decides_by(office: Office) -> None:
    tom, about = await office.token("tom"), f"/devices/{ident(ACME)}"
    for label in LABELS:
        change = {"selector": f"id={ident(ACME)}", "set": {label: "server"}, "max_devices": 1}
        answer = await office.http.post("/devices/labels", headers=tom, json=change)
        after = (await office.http.get(about)).json()["labels"]

        assert answer.status_code < 500, label
        assert {name for name in after if name.strip().lower().endswith("role")} <= {"op/Role"}, label
    for change in ({"remove": ["role"]}, {"set": {"role": "desk"}}, {"set": {"role": ""}}):
        ask = {"selector": f"id={ident(LAB)}", "max_devices": 1, **change}
        assert (await office.http.post("/devices/labels", headers=tom, json=ask)).status_code in (400, 403)
    assert (await office.http.get(f"/devices/{ident(LAB)}")).json()["labels"]["op/role"] == "server"


async def test_a_cursor_of_somebody_else_shows_nothing_more(office: Office) -> None:
    ada = await office.token("ada")
    every, mine = [], {row["id"] for row in (await office.http.get("/devices", headers=ada)).json()["items"]}
    cursor = None
    while cursor or not every:
        page = (await office.http.get("/devices", params={"limit": 1, **({"cursor": cursor} if cursor else {})})).json()
        every += [row["id"] for row in page["items"]]
        if cursor := page["next"]:
            seen = (await office.http.get("/devices", params={"cursor": cursor}, headers=ada)).json()
            assert {row["id"] for row in seen["items"]} <= mine
            assert seen["total"] == len(mine)

    assert len(every) > len(mine) > 0


async def test_a_device_that_changes_between_the_look_and_the_deed_is_decided_as_it_is_now(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.push({"org/more.yaml": (
        "apiVersion: guru/v1\nkind: Role\nmetadata: {name: runner}\nspec:\n  rules:\n"
        "    look: {verbs: [device.read, command.run]}\n"
        "    no: {effect: deny, verbs: [command.run], selector: op/role=server}\n---\n"
        "apiVersion: guru/v1\nkind: Binding\nmetadata: {name: runner}\n"
        "spec: {subjects: ['user:rita'], role: runner, scope: customers/acme}\n")})
    rita, db, raced = await office.token("rita"), office.world.db, []
    write, ask = db.write, {"device": ident(ACME), "argv": ["id"]}
    before = await office.http.post("/jobs", headers=rita, json=ask)
    statement = device.update().where(device.c.id == ident(ACME)).values(op_labels='{"role": "server"}')

    async def late(_: object, work):        # type: ignore[no-untyped-def]
        """Another transaction is committed before the one that makes the job begins."""
        if getattr(work, "func", None) is create:
            raced.append(await write(lambda connection: connection.execute(statement).rowcount))
        return await write(work)

    monkeypatch.setattr(type(db), "write", late)
    made = await office.http.post("/jobs", headers=rita, json=ask)
    monkeypatch.undo()

    assert (before.status_code, raced) == (201, [1])
    assert made.status_code == 403
    assert "rule no of role runner" in made.json()["detail"]
    assert len((await office.http.get("/jobs")).json()["items"]) == 1
