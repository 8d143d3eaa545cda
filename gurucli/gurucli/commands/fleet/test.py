"""`guru test`: the tests of a fleet repository, offline. It asks no server and writes only reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guru_policy.errors import InputInvalid
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.paper import Cell, Paper, Tone
from gurucli.parameters import PathArgument
from gurucli.sheet import Column, Row, Sheet

if TYPE_CHECKING:
    from gurucli.testing import Ran

REPORTS = True
LEAVES = 5                              # names of leaves on a page without -o wide


def _verdict(row: Row, paper: Paper) -> Cell:
    word = clean(str(row["verdict"]))
    tone: Tone = "good" if word == "passed" else "bad"
    return Cell(paper.marked(word, tone), tone)


COLUMNS = (
    Column("name", keep=True), Column("scope"), Column("verdict", show=_verdict),
    Column("claims", right=True), Column("failed", right=True), Column("path"), Column("line", right=True),
    Column("description", wide=True),
)
COVERAGE = (
    Column("kind"), Column("name", keep=True), Column("path"), Column("line", right=True), Column("applied"),
    Column("covered", right=True), Column("total", right=True), Column("percent", right=True), Column("missing"),
)
EXAMPLES = (
    ("guru test", "all tests of the repository around this folder"),
    ("guru test --run '^disk'", "those whose names begin with disk"),
    ("guru test --coverage --min 80%", "and say what no claim is about; fail below 80 %"),
    ("guru test -o junit=tests.xml -o github=-", "in CI: a report, and annotations on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    chosen: Annotated[str, typer.Option(
        "--run", metavar="REGEX", help="Only the tests whose names hold this.", show_default=False)] = "",
    covered: Annotated[bool, typer.Option(
        "--coverage", help="Say which policies, alert rules and files no claim is about.", show_default=False)] = False,
    least: Annotated[str, typer.Option(
        "--min", metavar="PERCENT", help="Fail when claims speak of less than this.", show_default=False)] = "",
) -> int:
    """Run the tests of a fleet repository, offline.

    Each claim that does not hold comes with its place, both sides, and who decided. A test's device is compiled by the
    functions that the server uses, and its alerts run on a simulated clock by the server's own rules. Ends with 10 when
    a claim does not hold, when coverage is below --min, and when no test ran. `-o junit=FILE`, sarif, github, gitlab
    and markdown write reports, as many as you like; - is stdout.
    """
    cli: Cli = ctx.obj
    from guru_policy.loading import load
    from gurucli.folder_tree import FolderTree, find_root
    from gurucli.human import percent
    from gurucli.reports import write_reports
    from gurucli.reports.testing import tests_junit, tests_markdown
    from gurucli.testing import percent_of, run_tests

    wanted = percent(least) if least else 0.0
    tree = FolderTree(Path(path) if path else find_root(Path.cwd()))
    ran = run_tests(tree, load(tree), chosen)
    told = covered or bool(least)
    printed = write_reports(cli.reports, ran.faults, tests_markdown(ran, told), tests_junit(ran.cases))
    if printed:
        cli.out.lines(printed)
        cli.out.answered = True
    else:
        cli.out.result(_sheet(ran, told, wide=cli.out.kind == "wide"))
    if printed or cli.out.kind not in ("table", "wide"):
        _tell(cli, ran, told)
    if ran.coverage.share < wanted:
        raise InputInvalid(
            f"coverage is {percent_of(ran.coverage.share):g} %, and --min asks for {wanted * 100:g} %",
            hint="`guru test --coverage -o wide` names what no claim is about")
    return Exit.invalid if ran.failed else Exit.done


def _sheet(ran: Ran, covered: bool, wide: bool) -> Sheet:
    tests = [case.row() for case in ran.cases]
    parts = _parts(ran) if covered else []
    document: dict[str, object] = {"passed": not ran.failed, "tests": tests, "coverage": _total(ran, parts)}
    return Sheet(parts if covered else tests, COVERAGE if covered else COLUMNS, document=document,
                 draw=lambda paper: _page(ran, tests, parts, paper, wide))


def _parts(ran: Ran) -> list[dict[str, object]]:
    from gurucli.testing import percent_of

    return [
        {"kind": row.kind, "name": row.name, "path": row.origin.path, "line": row.origin.line, "applied": row.applied,
         "covered": row.covered, "total": row.total,
         "percent": percent_of(row.covered / row.total if row.total else 1.0), "missing": list(row.missing)}
        for row in ran.coverage.rows
    ]


def _total(ran: Ran, parts: Sequence[Row]) -> dict[str, object]:
    from gurucli.testing import percent_of

    found = ran.coverage
    total: dict[str, object] = {
        "covered": found.covered, "total": found.total, "percent": percent_of(found.share)}
    return total | ({"parts": list(parts)} if parts else {})


def _tell(cli: Cli, ran: Ran, covered: bool) -> None:
    """What a pipe does not carry, for people."""
    from gurucli.blocks import fault_lines

    for line in fault_lines(ran.faults, cli.out.side, by=0, most=50):
        cli.out.note(line)
    cli.out.note(ran.summary + (f", {_share(ran)}" if covered else ""))


def _page(ran: Ran, tests: Sequence[Row], parts: Sequence[Row], paper: Paper, wide: bool) -> Iterator[str]:
    from gurucli.blocks import fault_lines
    from gurucli.render.table import table

    yield from table([column for column in COLUMNS if wide or not column.wide], tests, paper)
    if ran.failed:
        yield ""
        yield from fault_lines(ran.faults, paper, by=0, most=len(ran.faults) if wide else 50)
    if parts:
        yield ""
        yield from table(COVERAGE, [_short(row, wide) for row in parts], paper)
    tone: Tone = "bad" if ran.failed else "good"
    yield ""
    yield paper.paint(paper.marked(ran.summary + (f", {_share(ran)}" if parts else ""), tone), tone)


def _short(row: Row, wide: bool) -> Row:
    missing = row["missing"]
    if wide or not isinstance(missing, list) or len(missing) <= LEAVES:
        return row
    return {**row, "missing": [*missing[:LEAVES], f"and {len(missing) - LEAVES} more"]}


def _share(ran: Ran) -> str:
    from gurucli.testing import percent_of

    return f"coverage {percent_of(ran.coverage.share):g} %"
