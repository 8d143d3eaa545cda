"""A query in a process of its own, and `guru-agent query` for the person at the device."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import psutil
import pytest
from pydantic import TypeAdapter

from guru_agent.main import main
from guru_agent.query.asking import ask
from guru_wire.querying import Query, QueryColumns, QueryEnd, QueryFailed, QueryLimits, QueryPart, QueryRows
from tests.agent.link_server import until

PART: TypeAdapter[QueryPart] = TypeAdapter(QueryPart)
NUMBERS = "with recursive n(x) as (select 1 union all select x + 1 from n) select x from n"


async def parts(sql: str, **limits: float) -> list[QueryPart]:
    query = Query(sql=sql, limits=QueryLimits.model_validate(limits))
    return [PART.validate_json(line) async for line in ask(query)]


async def test_an_answer_is_columns_then_rows_then_the_end() -> None:
    columns, rows, end = await parts("select 1 as one, 'x' as two, null as three, 2.5 as four")

    assert columns == QueryColumns(columns=("one", "two", "three", "four"))
    assert rows == QueryRows(rows=((1, "x", None, 2.5),))
    assert isinstance(end, QueryEnd)
    assert (end.count, end.cut) == (1, "")


async def test_rows_beyond_the_limit_are_cut_off_and_said_to_be() -> None:
    *_, end = await parts(NUMBERS, rows=1200)

    assert isinstance(end, QueryEnd)
    assert (end.count, end.cut) == (1200, "rows")


async def test_bytes_beyond_the_limit_are_cut_off_and_said_to_be() -> None:
    *_, end = await parts(NUMBERS, rows=100_000, bytes=2000)

    assert isinstance(end, QueryEnd)
    assert end.cut == "bytes"


async def test_a_query_that_is_wrong_is_answered_with_what_is_wrong() -> None:
    (failed,) = await parts("select * from nonsense")

    assert isinstance(failed, QueryFailed)
    assert failed.code == "G0400"


async def test_a_row_that_is_too_large_to_hand_on_is_said_to_be() -> None:
    wide = ", ".join("printf('%.*c', 900000, 'x')" for _ in range(4))
    *_, failed = await parts(f"select {wide}", bytes=16 << 20)

    assert isinstance(failed, QueryFailed)
    assert failed.message == "a row of the answer is larger than 2 MiB"


async def test_whoever_stops_reading_ends_the_process() -> None:
    before = set(psutil.Process().children())
    answer = ask(Query(sql=NUMBERS, limits=QueryLimits(rows=100_000)))
    await anext(answer)
    (child,) = set(psutil.Process().children()) - before
    await answer.aclose()

    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


async def test_a_process_that_is_killed_is_an_answer_too() -> None:
    before = set(psutil.Process().children())
    answer = ask(Query(sql=NUMBERS.replace("select x from", "select count(*) from"), limits=QueryLimits(seconds=60)))
    first = asyncio.ensure_future(anext(answer))
    await until(lambda: bool(set(psutil.Process().children()) - before))
    (child,) = set(psutil.Process().children()) - before
    child.kill()

    failed = PART.validate_json(await first)
    assert isinstance(failed, QueryFailed)
    assert failed.message == "the process that answers queries ended early"


def test_the_verb_prints_rows_for_a_pipe_and_json_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "select 1 as a, 'x' || char(27) || char(10) as b"]) == 0
    assert capsys.readouterr().out == "a\tb\n1\tx  \n"

    assert main(["query", "select 1 as a", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "apiVersion": "guru/v1", "rows": [{"a": 1}], "cut": "", "notes": []}


def test_the_verb_looks_into_the_sandbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/only-here").write_text("")

    assert main(["query", "select path from files where directory = '/etc'", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "path\n/etc/only-here\n"


def test_the_verb_tells_that_rows_were_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["query", NUMBERS, "--rows", "2"])
    printed = capsys.readouterr()

    assert code == 6
    assert printed.out == "x\n1\n2\n"
    assert printed.err == "note: there are more rows: the limit of rows cut them off\n"


@pytest.mark.parametrize(("argv", "code", "said"), [
    (["query", "select * from usres"], 10, "no such table: usres"),
    (["query", ""], 10, "a query has 1 to"),
    (["query", "select 1", "--rows", "0"], 2, "--rows goes from 1"),
    (["query", NUMBERS.replace("select x from", "select count(*) from"), "--timeout", "0.2"], 7, "longer than 0.2 s"),
    (["tables", "procss"], 5, "there is no table procss"),
])
def test_what_is_wrong_is_said_with_its_exit_code(
    argv: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == code
    assert said in capsys.readouterr().err
