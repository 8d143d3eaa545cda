"""`guru query`: rows of many devices put together, totals, snapshots, and devices that did not answer."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from guru_policy.fleet import Fleet
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from guru_wire.jobs import JobMade, OutputRow, RunRow
from guru_wire.operator import Page
from guru_wire.querying import QueryColumns, QueryEnd, QueryRows
from guru_wire.standing import KeptAnswer, KeptRow, QueryChange, QueryHolder, SavedQuery
from tests.cli.canned import JOB, job_row, progress, run_row
from tests.cli.conftest import Guru
from tests.cli.double import Double
from tests.cli.test_hostile import BAD, HOSTILE

SQL = "select name, pid from processes"


def printed(device: str, *parts: BaseModel, name: str = "") -> OutputRow:
    text = "".join(f"{part.model_dump_json()}\n" for part in parts)
    data = base64.b64encode(text.encode()).decode()
    return OutputRow(device=device, name=name or device, stream="out", offset=0, data=data)


def answer(double: Double, runs: list[RunRow], output: list[OutputRow], **more: Any) -> None:
    """The server's answers to a query that these devices answered."""
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.state] = counts.get(run.state, 0) + 1
    job = job_row(total=len(runs), counts=counts)
    double.answers["POST /jobs"] = JobMade(job=job, next=2)
    double.answers[f"GET /jobs/{JOB}/progress"] = progress(
        job=job, runs=tuple(runs), output=tuple(output), next=9, done=True, **more)


def two(double: Double) -> None:
    answer(double, [ran("web02"), ran("web01")], [
        printed("web02", QueryColumns(columns=("name", "pid")), QueryRows(rows=(("nginx", 7),)), QueryEnd(count=1)),
        printed("web01", QueryColumns(columns=("name", "pid")), QueryRows(rows=(("nginx", 8), ("sshd", 9))),
                QueryEnd(count=2, notes=("some are hidden",))),
    ])


def ran(name: str, state: str = "succeeded", **more: Any) -> RunRow:
    return run_row(name, device=name, state=state, **{"reason": "", **more})


def test_rows_of_all_devices_stand_behind_their_names(guru: Guru, double: Double) -> None:
    two(double)

    result = guru("query", SQL, "-l", "site=hq", "-o", "tsv")

    assert result.out == "web01\tacme\thq\tnginx\t8\nweb01\tacme\thq\tsshd\t9\nweb02\tacme\thq\tnginx\t7\n"
    assert "web01: some are hidden" in result.err
    assert result.code == 0


def test_the_query_is_asked_as_a_job_that_only_who_is_there_answers(guru: Guru, double: Double) -> None:
    two(double)
    guru("query", SQL, "--timeout", "5s", "--rows", "3")

    asked = double.requests("POST", "/jobs")[-1].body
    assert asked["selector"] == "name=*"
    assert asked["expires"] == 5
    assert asked["query"] == {"sql": SQL, "limits": {"rows": 3, "seconds": 5.0}}


def test_totals_are_asked_of_all_answers(guru: Guru, double: Double) -> None:
    two(double)

    reduce = "select name, count(*) as n from rows group by name order by n"
    result = guru("query", SQL, "--reduce", reduce, "-o", "json")

    assert json.loads(result.out)["rows"] == [{"name": "sshd", "n": 1}, {"name": "nginx", "n": 2}]


def test_a_total_can_change_and_read_nothing_else(guru: Guru, double: Double) -> None:
    two(double)

    assert guru("query", SQL, "--reduce", "attach '/tmp/x' as x").code == 10
    assert guru("query", SQL, "--reduce", "delete from rows").code == 10


def test_a_snapshot_is_a_file_of_sqlite(guru: Guru, double: Double, tmp_path: Path) -> None:
    two(double)
    file = tmp_path / "found.db"

    assert guru("query", SQL, "--snapshot", str(file)).code == 0
    with sqlite3.connect(file) as connection:
        rows = connection.execute("select device, name, pid from rows order by pid").fetchall()
    assert rows == [("web02", "nginx", 7), ("web01", "nginx", 8), ("web01", "sshd", 9)]
    assert guru("query", SQL, "--snapshot", str(file)).code == 9


def test_devices_that_did_not_answer_are_named(guru: Guru, double: Double) -> None:
    away, failed = ran("web02", "queued", online=False), ran("web03", "failed", reason="no such table", exit_code=None)
    answer(double, [ran("web01"), away, failed], [
        printed("web01", QueryColumns(columns=("pid",)), QueryRows(rows=((1,),)), QueryEnd(count=1))])

    result = guru("query", "select pid from processes", "-o", "json")

    document = json.loads(result.out)
    assert document["rows"] == [{"device": "web01", "customer": "acme", "site": "hq", "pid": 1}]
    assert [one["device"] for one in document["missing"]] == ["web02", "web03"]
    assert "2 devices did not answer: offline: web02; failed: no such table: web03" in result.err
    assert result.code == 6


@pytest.mark.parametrize(("sql", "said"), [
    ("select * from proceses", "no such table: proceses"), ("select nam from processes", "no such column: nam"),
    ("select 1; select 2", "one query at a time"), ("selct 1", "syntax error"),
    ("delete from processes", "a query only looks"), ("pragma table_info(os)", "a query only looks"),
    ("acme/hq/web01", "the query comes first, then the device"),
])
def test_a_query_that_cannot_be_one_asks_nobody(sql: str, said: str, guru: Guru, double: Double) -> None:
    result = guru("query", sql)

    assert result.code == 10
    assert said in result.err
    assert not double.requests("POST", "/jobs")


def test_a_column_that_would_hide_whose_a_row_is_is_refused(guru: Guru, double: Double) -> None:
    answer(double, [ran("web01")], [printed("web01", QueryColumns(columns=("device",)), QueryEnd(count=0))])

    result = guru("query", "select device from mounts")

    assert result.code == 10
    assert "as other" in result.err


@pytest.mark.parametrize("form", ["table", "wide", "tsv", "csv", "json", "ndjson", "yaml"])
def test_nothing_a_device_answers_reaches_the_terminal_as_more_than_letters(
    form: str, guru: Guru, double: Double
) -> None:
    answer(double, [ran(HOSTILE)], [printed(
        HOSTILE, QueryColumns(columns=(f"x{HOSTILE}",)), QueryRows(rows=((HOSTILE,), (None,))),
        QueryEnd(count=2, cut="rows", notes=(HOSTILE,)))])

    result = guru("query", SQL, "-o", form, columns=100, no_color=True)

    written = result.out.replace("\t", "") if form == "tsv" else result.out
    assert result.code == 0, result.err
    assert not BAD.search(written)
    assert not BAD.search(result.err)


def test_an_answer_that_is_none_gives_no_rows(guru: Guru, double: Double) -> None:
    data = base64.b64encode(b'nonsense\n{"t":"rows","rows":[[1,2,3],4]}\n[]\n').decode()
    answer(double, [ran("web01")], [OutputRow(device="web01", name="web01", stream="out", offset=0, data=data)])

    result = guru("query", SQL, "-o", "json")

    assert json.loads(result.out)["rows"] == []


def test_tables_and_their_columns_are_listed_without_a_server(guru: Guru, double: Double) -> None:
    assert "processes" in guru("query", "--tables").out
    assert "resident_size" in guru("query", "processes", "--tables").out
    assert guru("query", "procesess", "--tables").code == 5


def test_one_device_needs_no_word_on_how_far_it_is(guru: Guru, double: Double) -> None:
    answer(double, [ran("web01")], [
        printed("web01", QueryColumns(columns=("name",)), QueryRows(rows=(("sshd",),)), QueryEnd(count=1))])

    assert guru("query", "select name from processes", "web01").err == ""


def saved(double: Double, **more: Any) -> None:
    """A server on which `admins` is in force, and what it keeps of it."""
    query = SavedQuery(name="admins", scope="org", sql="select username from users", every=600, results="differential",
                       selector="", revision="a" * 40)
    double.answers["GET /queries"] = Page[SavedQuery](items=(query,), total=1)
    holders = tuple(
        QueryHolder(id=f"{number}" * 32, name=name, customer="acme", site="hq", at=5, rows=1, cut=False, stale=False,
                    old=False, problem=problem)
        for number, (name, problem) in enumerate((("web01", ""), ("web02", f"away{HOSTILE}"))))
    pages = [KeptAnswer(
        name="admins", columns=("username", "uid"), devices=(one,), total=2, next=following,
        rows=(KeptRow(device=one.id, values=(f"root{HOSTILE}", 0), since=None),),
    ) for one, following in zip(holders, ("1", None), strict=True)]
    double.answers["GET /queries/rows"] = lambda asked: pages["cursor" in asked.query]
    double.answers["GET /queries/changes"] = Page[QueryChange](items=(QueryChange(
        at=5, id="0" * 32, name="web01", customer="acme", site="hq", change="added", row={"username": "ben"},
    ),), total=1)


def test_what_devices_told_of_a_saved_query_is_shown_at_once_and_nobody_is_asked(guru: Guru, double: Double) -> None:
    saved(double)
    result = guru("query", "--saved", "admins", "-o", "json")
    plain = guru("query", "--saved", "admins", "-o", "tsv")
    total = guru("query", "--saved", "admins", "--reduce", "select count(*) as n from rows", "-o", "json")

    assert [row["device"] for row in json.loads(result.out)["rows"]] == ["web01", "web02"]
    assert json.loads(total.out)["rows"] == [{"n": 2}]
    assert not BAD.search(plain.out.replace("\t", " ") + plain.err)
    assert "web02: no newer answer: away" in plain.err
    assert "as 2 devices told" in plain.err
    assert (result.code, double.requests("POST", "/jobs")) == (0, [])


def test_a_device_or_a_selector_narrows_it(guru: Guru, double: Double) -> None:
    saved(double)
    guru("query", "--saved", "admins", "web01")
    guru("query", "--saved", "admins", "--history", "-l", "@acme")
    both = guru("query", "--saved", "admins", "web01", "-l", "@acme")

    assert double.requests("GET", "/queries/rows")[0].query["device"] == "web01"
    assert double.requests("GET", "/queries/changes")[0].query["selector"] == "@acme"
    assert both.code == 2


def test_a_saved_query_is_asked_live_and_its_history_and_the_list_are_shown(guru: Guru, double: Double) -> None:
    two(double)
    saved(double)
    live = guru("query", "--saved", "admins", "--live")
    history = guru("query", "--saved", "admins", "--history", "-o", "tsv")
    listed = guru("query", "--list", "-o", "name")

    assert double.requests("POST", "/jobs")[-1].body["query"]["sql"] == "select username from users"
    assert (live.code, listed.out) == (0, "admins\n")
    assert "added\tweb01\tusername=ben" in history.out
    assert guru("query", "--saved", "admin", "--live").code == 5
    assert [guru("query", "--live").code, guru("query", SQL, "--history").code] == [2, 2]


def test_a_query_is_printed_as_the_object_that_git_is_given(guru: Guru, double: Double) -> None:
    made = guru("query", "select username from users", "--saved", "people", "--every", "10m", "-l", "os=linux")
    fleet = written("people.yaml", made.out)
    wrong = [guru("query", *words) for words in (
        ("select username from users", "--saved", "people", "--every", "5s"),
        ("select username from users", "--saved", "Not a name", "--every", "5m"))]

    assert fleet.faults == ()
    [item] = [one for one in fleet.objects.values() if one.key.kind == "Query"]
    assert (item.name, item.spec.every, str(item.spec.selector)) == ("people", 600, "os=linux")
    assert [one.code for one in wrong] == [10, 10]
    assert (made.code, double.requests("POST", "/jobs")) == (0, [])


def written(name: str, text: str) -> Fleet:
    """The fleet with this file in org/."""
    return load(MemoryTree({
        "fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: fleet}\nspec: {}\n", f"org/{name}": text}))
