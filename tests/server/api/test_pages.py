"""Every list of the document: whoever follows its pages sees each row that stays once, whatever comes and goes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, Table
from starlette.requests import Request

from guru_policy.errors import InputInvalid
from guru_server.accounts.tables import account, user_session
from guru_server.alerts.tables import alert, maintenance
from guru_server.cursors import Key, Paging, paging, read
from guru_server.fleet.tables import device, device_state
from guru_server.hooks.tables import hook_delivery
from guru_server.identity.tables import api_token, enrolment_token
from guru_server.inventory.tables import inventory_change
from guru_server.jobs.tables import job
from guru_server.notify.tables import notification
from guru_server.overrides.tables import override
from guru_server.reconcile.tables import revision
from guru_server.rights.tables import access_grant, approval
from guru_server.schedules.tables import schedule_run
from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, Office
from tools.api_page import made

FAR = 1 << 50                           # ms UTC, when nothing has ended
PATHS = sorted(
    path.removeprefix("/api/v1") for path, ways in made()["paths"].items()
    if any(one["name"] == "cursor" for one in ways.get("get", {}).get("parameters", ()))
)
# Lists that are cut in memory by `Paging.cut`, which has its own property, or that are no lists of rows.
OTHERWISE = {
    "/audit": "a chain only grows: tests/server/audit",
    "/hooks": "comes from the repository", "/schedules": "comes from the repository",
    "/scripts": "comes from the repository", "/exports": "one state: another one ends it",
    "/audit/export": "a chain only grows: tests/server/audit", "/audit/verification": "a chain: tests/server/audit",
    "/inventory/rows/{ref}": "cut in memory", "/inventory/software": "cut in memory",
    "/inventory/holders": "cut in memory", "/inventory/updates": "cut in memory",
    "/queries": "comes from the repository", "/queries/rows": "cut in memory",
    "/queries/changes": "as /inventory/changes/{ref}; tests/server/standing",
    "/account/passkeys": "a session's alone; cut in memory",
}


class Kept(NamedTuple):
    """How rows of a list are kept: the table, what makes the n-th one, and how an answer's row is told apart."""

    table: Table
    row: Callable[[int], Mapping[str, object]]
    name: Callable[[Mapping[str, Any]], str] = lambda row: str(row["id"])
    query: str = ""
    key: str = "id"


def ids(width: int) -> Callable[[int], str]:
    """Ids whose order is not that of their numbers."""
    return lambda number: hashlib.sha256(b"%d" % number).hexdigest()[:width]


SHORT, ID, LONG = ids(12), ids(16), ids(32)
LISTS: Mapping[str, Kept] = {
    "/access/requests": Kept(access_grant, lambda n: {
        "id": SHORT(n), "kind": "request", "name": "ada", "verb": "device.read", "state": "pending",
        "created_at": n // 3, "expires_at": FAR, "scope": "org"}),
    "/admissions": Kept(device, lambda n: {
        "id": LONG(n), "name": f"w{n}", "customer": "acme", "site": "hq", "op_labels": "{}", "facts": "{}",
        "services": "[]", "held": "pending", "held_at": 9 + n // 3}),
    "/alerts": Kept(alert, lambda n: {
        "id": LONG(n), "device": ident(ACME), "customer": "acme", "site": "hq", "state": "firing",
        "check_state": "critical", "severity": "critical", "started_at": n // 3, "check_id": f"c{n}"}),
    "/approvals": Kept(approval, lambda n: {
        "id": SHORT(n), "targets": '[["org", "", "", "", ""]]', "verb": "device.read", "state": "pending",
        "created_at": n // 3, "expires_at": FAR, "actor": "person:root", "owner": "root"}),
    "/clients": Kept(api_token, lambda n: {
        "id": ID(n), "kind": "oauth", "name": f"c{n}", "created_at": n // 3}),
    "/devices": Kept(device, lambda n: {
        "id": LONG(n), "name": f"d{n % 5}-{n}", "customer": "bolt", "site": f"s{n % 3}", "op_labels": "{}",
        "facts": "{}", "services": "[]"}),
    "/enrolment-tokens": Kept(enrolment_token, lambda n: {
        "id": ID(n), "customer": "acme", "site": "hq", "created_at": n // 3, "expires_at": FAR}),
    "/find": Kept(device, lambda n: {
        "id": LONG(n), "name": f"sought{n}", "customer": "bolt", "site": f"s{n % 3}", "op_labels": "{}",
        "facts": "{}", "services": "[]"}, query="text=sought"),
    "/hooks/deliveries": Kept(hook_delivery, lambda n: {
        "id": LONG(n), "hook": "org/it", "created_at": n // 4, "seq": n // 2}),
    "/inventory/changes/{ref}": Kept(inventory_change, lambda n: {
        "device": ident(ACME), "at": n // 3 + 1, "kind": f"t{ID(n)}", "key": "k", "before": None, "after": 1,
    }, lambda row: str(row["table"]), key="kind"),
    "/jobs": Kept(job, lambda n: {"id": LONG(n), "created_at": n // 3, "expires_at": FAR, "batch": "1"}),
    "/keys": Kept(api_token, lambda n: {"id": ID(n), "kind": "key", "name": f"k{n}", "created_at": n // 3}),
    "/maintenance": Kept(maintenance, lambda n: {"id": LONG(n), "started_at": n // 3, "ends_at": FAR}),
    "/notifications": Kept(notification, lambda n: {
        "id": LONG(n), "event": "firing", "customer": "acme", "created_at": n // 3}),
    "/overrides": Kept(override, lambda n: {
        "id": ID(n), "device": ident(ACME), "path": f"a.b{n}", "value": "1", "expires_at": FAR, "set_at": 1,
        "ending": ""}),
    "/revisions": Kept(revision, lambda n: {
        "revision": ids(40)(n), "seq": 10_000 + n, "outcome": "published", "finished_at": 9, "faults": "[]",
        "signature": "unchecked"}, lambda row: str(row["revision"]), key="revision"),
    "/schedules/runs": Kept(schedule_run, lambda n: {
        "device": ident(ACME), "job": LONG(n), "due_at": n // 3, "state": "succeeded", "schedule": f"s{n}"},
        lambda row: str(row["schedule"]), key="job"),
    "/sessions": Kept(user_session, lambda n: {
        "id": LONG(n), "name": "ada", "method": "password", "turned_at": n // 3, "expires_at": FAR, "groups": "[]"},
        query="user=ada"),
    "/users": Kept(account, lambda n: {"name": f"u{ID(n)}", "recovery": "[]"}, lambda row: str(row["name"]),
                   key="name"),
}
STEPS = st.lists(st.tuples(st.sampled_from(("come", "go", "page")), st.integers(0, 11)), min_size=2, max_size=10)


def test_every_list_of_the_document_is_walked_here() -> None:
    assert sorted({*LISTS, *OTHERWISE}) == PATHS


def test_every_page_of_the_document_takes_a_cursor() -> None:
    spec = made()
    shapes = {name for name in spec["components"]["schemas"] if name.startswith("Page_")}
    lists = {
        path.removeprefix("/api/v1") for path, ways in spec["paths"].items()
        if any(f"/{name}\"" in str(ways.get("get", {}).get("responses", {})).replace("'", '"') for name in shapes)
    }

    assert lists
    assert lists <= set(PATHS)


def filled(table: Table, own: Mapping[str, object], tenant: str) -> dict[str, object]:
    """A row with something in every column that must have something."""
    found: dict[str, object] = {"tenant": tenant}
    for column in table.columns:
        if column.name not in own and column.name != "tenant" and not column.nullable and not column.server_default:
            kind = column.type
            found[column.name] = (
                False if isinstance(kind, Boolean) else b"" if isinstance(kind, LargeBinary)
                else 1 if isinstance(kind, BigInteger | Integer) else "[]" if column.name == "labels" else "x"
            )
    return {**found, **own}


class Walk:
    """One list of the office: rows that come and go, and its pages."""

    def __init__(self, office: Office, path: str) -> None:
        self.office, self.kept = office, LISTS[path]
        self.path = path.replace("{ref}", ident(ACME))
        self.there = set[int]()

    async def come(self, number: int) -> None:
        if number not in self.there:
            self.there.add(number)
            await self.office.world.db.write(lambda connection: self._insert(connection, number))

    async def go(self, number: int) -> None:
        if number in self.there:
            self.there.discard(number)
            await self.office.world.db.write(lambda connection: self._delete(connection, number))

    async def page(self, cursor: str | None, limit: int = 2) -> tuple[list[str], str | None]:
        query = f"?limit={limit}&{self.kept.query}" + (f"&cursor={cursor}" if cursor else "")
        answer = await self.office.http.get(self.path + query)
        assert answer.status_code == 200, (self.path, answer.text)
        return [self.kept.name(row) for row in answer.json()["items"]], answer.json().get("next")

    def named(self, number: int) -> str:
        row = self.kept.row(number)
        return str(row["schedule" if self.kept.table is schedule_run else self.kept.key])

    def _insert(self, connection: Connection, number: int) -> None:
        tenant, table, row = self.office.world.db.tenant, self.kept.table, self.kept.row(number)
        connection.execute(table.insert().values(**filled(table, row, tenant)))
        if table is device:
            connection.execute(device_state.insert().values(**filled(device_state, {"device": row["id"]}, tenant)))

    def _delete(self, connection: Connection, number: int) -> None:
        table, key, row = self.kept.table, self.kept.key, self.kept.row(number)
        if table is device:
            connection.execute(device_state.delete().where(device_state.c.device == row["id"]))
        connection.execute(table.delete().where(table.c[key] == row[key]))


async def walked(walk: Walk, steps: list[tuple[str, int]]) -> None:
    """Follow the pages while rows come and go: those that were there all the time are seen once, no other twice."""
    for number in range(0, 12, 2):
        await walk.come(number)
    stayed = set(walk.there)
    seen, cursor = await walk.page(None)
    for step, number in steps:
        if step == "come":
            await walk.come(number)
        elif step == "go":
            await walk.go(number)
            stayed.discard(number)
        elif cursor:
            more, cursor = await walk.page(cursor)
            seen += more
    while cursor:
        more, cursor = await walk.page(cursor)
        seen += more
    try:
        counts = [seen.count(walk.named(number)) for number in sorted(stayed)]
        assert counts == [1] * len(stayed), (walk.path, steps, seen)
        assert all(seen.count(walk.named(number)) <= 1 for number in range(12)), (walk.path, steps, seen)
    finally:
        for number in sorted(walk.there):
            await walk.go(number)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rows_that_stay_are_seen_once_while_others_come_and_go(office: Office) -> None:
    loop = asyncio.get_running_loop()

    def hold(path: str) -> None:
        @settings(max_examples=4, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(STEPS)
        def holds(steps: list[tuple[str, int]]) -> None:
            asyncio.run_coroutine_threadsafe(walked(Walk(office, path), steps), loop).result(60)

        holds()

    failed = dict[str, str]()
    for path in sorted(LISTS):
        try:
            await asyncio.to_thread(hold, path)
        except Exception as error:      # one list after the other
            failed[path] = str(error)

    assert failed == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_list_takes_the_cursor_of_another_question(office: Office) -> None:
    walk = Walk(office, "/jobs")
    for number in range(4):
        await walk.come(number)
    _, cursor = await walk.page(None)
    told = dict[str, tuple[int, str]]()
    for path in PATHS:
        real = path.replace("{ref}", ident(ACME))
        needed = {"table": "packages"} if "rows" in path else {"name": "bash", "text": "sought", "user": "ada"}
        answer = await office.http.get(real, params={**needed, "cursor": str(cursor)})
        told[path] = answer.status_code, answer.json().get("detail", "")
        again = await office.http.get(real, params={**needed, "cursor": "bm90IG91cnM="})
        assert (again.status_code, again.json().get("detail")) == (400, "the cursor is not one of ours"), path
    right = told.pop("/jobs")

    assert right[0] == 400, "the same list with another filter is another question"
    assert set(told.values()) == {(400, "the cursor belongs to another list, or to another filter of it")}


def asked(tenant: str, target: str) -> Request:
    path, _, query = target.partition("?")
    app = SimpleNamespace(state=SimpleNamespace(tenant=tenant))
    return Request({"type": "http", "path": path, "query_string": query.encode(), "headers": [], "app": app,
                    "server": ("guru.example", 443), "scheme": "https"})


def test_a_cursor_is_bound_to_the_tenant_the_list_and_its_filter_but_not_to_the_size_of_a_page() -> None:
    cursor = paging(asked("a", "/jobs?state=new&limit=2"), None).cursor((7, "x"))

    assert paging(asked("a", "/jobs?limit=9&state=new"), cursor).after(int, str) == (7, "x")
    for tenant, target in (("b", "/jobs?state=new"), ("a", "/alerts?state=new"), ("a", "/jobs?state=old")):
        with pytest.raises(InputInvalid, match="another list"):
            paging(asked(tenant, target), cursor)
    with pytest.raises(InputInvalid, match="not one of ours"):
        paging(asked("a", "/jobs?state=new"), cursor).after(str, int)


@given(st.binary(max_size=60) | st.lists(st.none() | st.floats() | st.integers() | st.text(max_size=9)).map(
    lambda parts: base64.urlsafe_b64encode(json.dumps(["m", *parts]).encode())))
def test_whatever_is_no_cursor_is_refused_in_words(data: bytes) -> None:
    try:
        key = read(data.decode("latin-1"), "m")
    except InputInvalid:
        return
    assert key
    assert all(type(part) in (int, str) and "\x00" not in str(part) for part in key)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=2)    # none has NUL
KEY = st.tuples(st.integers(-5, 5), NAMES)


@given(st.sets(KEY, max_size=30), st.lists(st.tuples(st.booleans(), KEY), max_size=30), st.integers(1, 7))
def test_a_list_in_memory_is_walked_once_while_rows_come_and_go(
    there: set[tuple[int, str]], changes: list[tuple[bool, tuple[int, str]]], limit: int
) -> None:
    stayed, seen, rest, cursor = set(there), list[Key](), list(changes), ""
    while True:
        last = read(cursor, "m" * 16) if cursor else None
        page, following = Paging("m" * 16, last).cut(list(there), limit, lambda row: row)
        seen += page
        if following is None:
            break
        cursor = following
        if rest:
            comes, row = rest.pop()
            (there.add if comes else there.discard)(row)
            stayed -= set() if comes else {row}

    assert len(seen) == len(set(seen))
    assert stayed <= set(seen)
    assert seen == sorted(seen)
