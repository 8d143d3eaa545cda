"""Formats, fields, widths and colour: what a person or a program gets on stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

from guru_policy.errors import UsageWrong
from gurucli.clean import width
from gurucli.human import ago
from gurucli.render.jsonpath import jsonpath
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double

LONG = "a-very-long-host-name-that-nobody-would-want-to-lose.customer.example.com"


def test_a_pipe_gets_whole_rows_between_tabs_without_a_header(guru: Guru, double: Double) -> None:
    double.answers["GET /devices"] = {"items": [canned.device(LONG).model_dump()], "total": 1, "next": None}

    lines = guru("device", "list").out.splitlines()

    assert len(lines) == 1
    assert lines[0].split("\t")[:4] == [LONG, "acme", "hq", "UpToDate"]
    assert lines[0].split("\t")[4] == "2023-11-14T22:13:20Z"


def test_a_narrow_terminal_shortens_columns_but_never_a_name(guru: Guru, double: Double) -> None:
    row = canned.device(LONG).model_dump() | {"os": "an operating system with a long name"}
    double.answers["GET /devices"] = {"items": [row], "total": 1, "next": None}

    out = guru("device", "list", columns=60).out

    assert LONG in out
    assert "…" in out


def test_columns_that_cannot_stand_side_by_side_become_one_field_a_line(guru: Guru, double: Double) -> None:
    rows = [canned.device(name, "").model_dump() for name in ("web01", "web02")]
    double.answers["GET /devices"] = {"items": rows, "total": 2, "next": None}

    narrow, roomy = (guru("device", "list", "-o", "wide", columns=columns, no_color=True).out for columns in (60, 400))

    assert [line.split()[-1] for line in narrow.splitlines() if line.startswith("NAME")] == ["web01", "web02"]
    assert "…" not in narrow
    assert len(roomy.splitlines()) == 3


@pytest.mark.parametrize(("seconds", "said"), [
    (14_399, "in 4h"), (5_400, "in 90m"), (3_590, "in 60m"), (89.7, "in 90s"), (30 * 86_400 - 1, "in 30d")])
def test_what_is_to_come_is_told_to_the_nearest_unit(seconds: float, said: str) -> None:
    assert ago(int((1_000 + seconds) * 1_000), 1_000) == said


def test_a_table_asked_for_in_a_pipe_is_not_shortened(guru: Guru, double: Double) -> None:
    row = canned.device("web01").model_dump() | {"os": "x" * 300}
    double.answers["GET /devices"] = {"items": [row], "total": 1, "next": None}

    assert "x" * 300 in guru("device", "list", "-o", "table").out


def test_wide_east_asian_names_keep_columns_aligned(guru: Guru, double: Double) -> None:
    rows = [canned.device(name, "").model_dump() for name in ("東京", "web01")]
    double.answers["GET /devices"] = {"items": rows, "total": 2, "next": None}

    first, second = guru("device", "list", columns=120).out.splitlines()[1:]

    assert width(first.partition("acme")[0]) == width(second.partition("acme")[0])


def test_fields_choose_and_order_in_every_format(guru: Guru) -> None:
    fields = ("--fields", "os,name")

    assert guru("device", "list", *fields).out.splitlines()[0] == "linux\tweb01"
    assert guru("device", "list", *fields, "-o", "table").out.splitlines()[0].split() == ["OS", "NAME"]
    assert list(json.loads(guru("device", "list", *fields, "-o", "json").out)["items"][0]) == ["os", "name"]
    rows = list(csv.reader(io.StringIO(guru("device", "list", *fields, "-o", "csv").out)))
    assert rows[:2] == [["os", "name"], ["linux", "web01"]]


def test_one_label_can_be_a_field(guru: Guru) -> None:
    assert guru("device", "list", "--fields", "labels.op/role").out.splitlines()[0] == "web"


def test_an_unknown_field_is_refused_with_a_suggestion(guru: Guru) -> None:
    result = guru("device", "list", "--fields", "nmae")

    assert result.code == 2
    assert "did you mean name?" in result.err


def test_names_are_what_other_commands_take(guru: Guru) -> None:
    assert guru("device", "list", "-o", "name").out.splitlines() == ["acme/hq/web01", "acme/hq/web02"]


@pytest.mark.parametrize(("options", "surroundings", "colored"), [
    ((), {}, True), ((), {"no_color": True}, False), (("--color", "always"), {"no_color": True}, True),
    (("--color", "never"), {}, False), (("--plain",), {}, False), ((), {"term": "dumb"}, False)])
def test_colour_follows_options_and_surroundings(
    options: tuple[str, ...], surroundings: dict[str, object], colored: bool, guru: Guru
) -> None:
    assert ("\x1b[" in guru("status", *options, columns=80, **surroundings).out) is colored


def test_a_state_has_a_word_beside_its_colour(guru: Guru) -> None:
    out = guru("device", "list", columns=120, no_color=True).out

    assert "● UpToDate" in out
    assert "✕ 1 crit" in out


def test_options_of_every_command_may_stand_anywhere(guru: Guru) -> None:
    expected = guru("device", "list", "-o", "name").out

    assert guru("-o", "name", "device", "list").out == expected
    assert guru("device", "-oname", "list").out == expected
    assert guru("--output=name", "device", "list").out == expected


@pytest.mark.parametrize(("argv", "hint"), [
    (("devise", "list"), "did you mean device?"), (("device", "lst"), "did you mean list?"),
    (("host", "list"), "did you mean `guru device`?"), (("device", "list", "--selektor", "x"), "--selector"),
    (("device", "list", "-o", "josn"), "did you mean json?"), (("--qiet", "status"), "did you mean --quiet?"),
    (("run", "web01", "uname", "-a"), "behind --: guru run web01 -- systemctl"), (("sql", "x"), "`guru query`"),
    (("run", "web01", "ls", "-l"), "behind --"), (("run", "web01", "--tmeout", "5s", "x"), "--timeout")])
def test_a_slip_gets_a_suggestion_and_ends_with_2(argv: tuple[str, ...], hint: str, guru: Guru) -> None:
    result = guru(*argv)

    assert result.code == 2
    assert hint in result.err


DOCUMENT = {"items": [{"name": "a", "n": 1, "on": True, "tags": {"op/x": "1"}}, {"name": "b", "n": 5, "on": False}]}


@pytest.mark.parametrize(("expression", "matches"), [
    (".items[*].name", ["a", "b"]), ("{.items[0].name}", ["a"]), ("$.items[-1].name", ["b"]),
    ("items[0:1].n", [1]), (".items[?(@.on==true)].name", ["a"]), (".items[?(@.n>=2)].name", ["b"]),
    (".items[?(@.name!='a')].n", [5]), (".items[?(@.tags)].name", ["a"]), ("..name", ["a", "b"]),
    (".items[0].tags['op/x']", ["1"]), (".nothing", []), (".items[9]", []), (".items[?(@.name>3)]", []),
    (".items[?(@.name=='x]')].n", []), ("$", [DOCUMENT])])
def test_jsonpath_finds(expression: str, matches: list[object]) -> None:
    assert list(jsonpath(expression)(DOCUMENT)) == matches  # type: ignore[arg-type]  # a JSON document


@pytest.mark.parametrize("expression", [".items[", ".items[?(@.n~1)]", ".items[?(@.n==[1])]", ".a..", "{.a"])
def test_a_jsonpath_that_is_not_understood_is_refused(expression: str) -> None:
    with pytest.raises(UsageWrong):
        list(jsonpath(expression)(DOCUMENT))  # type: ignore[arg-type]  # a JSON document


def test_what_a_device_refused_is_shown_with_reason_time_and_count(guru: Guru) -> None:
    page = guru("device", "show", "web01", columns=160).out.splitlines()

    refused = page[page.index(next(line for line in page if "Refused" in line)) + 1]
    assert all(word in refused for word in ("G0495", "ago, 3 times", "serial 6", "replayed"))


@pytest.mark.parametrize(("count", "said"), [(0, None), (1, "1 device refused"), (2, "2 devices refused")])
def test_status_counts_devices_that_refused(guru: Guru, double: Double, count: int, said: str | None) -> None:
    double.answers["GET /status"] = canned.status().model_copy(update={"refusing": count})
    page = guru("status", columns=160).out

    assert (said in page) if said else ("refused" not in page)
