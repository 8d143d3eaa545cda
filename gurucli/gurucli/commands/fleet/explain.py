"""`guru explain`: where a device's value comes from; what a code or a kind's field means, without any server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import Candidate, Explanation
from gurucli.blocks import indented, short
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.paper import Cell, Paper, Tone
from gurucli.plan_page import value
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("value", keep=True), Column("layer"), Column("path"), Column("line", right=True), Column("column"),
    Column("revision"), Column("action"),
)
_EXIT_COLUMNS = (Column("code", right=True), Column("name"), Column("meaning"))
_CODE_COLUMNS = (Column("code"), Column("name"), Column("exit_code"), Column("summary"), Column("text"))
EXAMPLES = (
    ("guru explain web01 checks.disk.warn", "the value, who set it, and whom that overrode"),
    ("guru explain acme/hq/web01 checks", "a whole part of the policy"),
    ("guru explain G0404", "an error code, offline"),
    ("guru explain exit-codes", "what commands end with"),
    ("guru explain Policy.spec.checks.disk_space.warning", "what may stand in a field of a kind, offline"),
    ("guru explain Rollout", "a whole kind, offline"),
)


def run(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(
        metavar="DEVICE|CODE|KIND", help="A device; a code such as G0404, or exit-codes; a kind, or a path of one.",
        show_default=False)],
    path: Annotated[str, typer.Argument(
        metavar="PATH", help="With a device: the value's path, such as checks.disk.warn.",
        show_default=False)] = "",
) -> None:
    """Say where a device's value comes from, or what a code or a kind's field means.

    The winner comes first, then what it overrode, each with its file, line and commit.
    """
    cli: Cli = ctx.obj
    if not path and (re.fullmatch(r"[Gg]\d{4}", what) or what == "exit-codes"):
        _explain_code(cli, what)
        return
    if not path and _explained_kind(cli, what):
        return
    if not path:
        raise UsageWrong(f"which value of {what} shall be explained?", hint=f"guru explain {what} checks")
    answer = cli.server.get(Explanation, f"/devices/{part(what)}/explain", path=path)
    cli.out.result(Sheet(answer["candidates"], COLUMNS, document=answer,
                         draw=lambda paper: _page(answer, what, paper),
                         name=_place))


def _page(answer: Explanation, device: str, paper: Paper) -> Iterator[str]:
    shown = "absent" if answer["absent"] else value(answer["value"])
    yield (f"{clean(answer['path'])} = {paper.paint(shown, 'title')}   "
           f"{paper.paint('on ' + clean(device), 'dim')}")
    rows = []
    for number, one in enumerate(answer["candidates"]):
        tone: Tone = "" if number == 0 else "dim"
        note = {"remove": "removed", "replace": "replaced the whole"}.get(one["action"], "")
        words = "" if number == 0 else "overridden"
        rows.append([Cell("*" if number == 0 else " ", "good"),
                     Cell(value(one["value"]) if one["action"] != "remove"
                     else "-", "good" if number == 0 else "dim"), Cell(clean(one["layer"]), tone),
                     Cell(_place(one), tone), Cell(", ".join(w for w in (note, words) if w), "dim")])
    yield from indented(rows, paper, keep=[True, False, True, True, False])


def _place(one: object) -> str:
    row: Candidate = one  # type: ignore[assignment]  # rows of this sheet are Candidates
    numbers = "".join(f":{n}" for n in (row["line"], row["column"]) if n)
    at = f"@{short(row['revision'])}" if row["revision"] else ""
    return f"{clean(row['path'])}{numbers}{at}"


def _explained_kind(cli: Cli, what: str) -> bool:
    """Tell of a kind, or of a field of one; False when the text names no kind."""
    from gurucli.kind_page import is_kind, sheet

    if not is_kind(what):
        return False
    cli.out.result(sheet(what))
    return True


def _explain_code(cli: Cli, what: str) -> None:
    from gurucli.explanations import exit_codes, explanation

    if what == "exit-codes":
        codes = exit_codes()
        cli.out.result(Sheet(codes, _EXIT_COLUMNS, name="code"))
        return
    found = explanation(what.upper())
    document = found._asdict()
    lines = [f"{found.code}  {found.summary}", "", *found.text.split("\n"), "",
             f"Commands end with {found.exit_code}."]
    cli.out.result(Sheet([document], _CODE_COLUMNS, document=document, name="code", text=lambda _: lines))
