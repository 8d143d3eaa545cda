"""`guru explain`: where a device's value comes from; what a code or a kind's field means, without any server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated

import typer

from guru_policy.errors import NotFound, UsageWrong
from gurucli.answers import Candidate, Explanation
from gurucli.blocks import heading, indented, short
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Sheet
from gurucli.yaml_value import value

COLUMNS = (
    Column("value", keep=True), Column("layer"), Column("path"), Column("line", right=True), Column("column"),
    Column("revision"), Column("action"),
)
_EXIT_COLUMNS = (Column("code", right=True), Column("name"), Column("meaning"))
_CODE_COLUMNS = (Column("code"), Column("name"), Column("exit_code"), Column("summary"), Column("text"))
EXAMPLES = (
    ("guru explain web01 checks.disk.warning", "the value, who set it, and whom that overrode"),
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
        metavar="PATH", help="With a device: the value's path, such as checks.disk.warning.",
        show_default=False)] = "",
) -> None:
    """Say where a value comes from, or what a code or a field means.

    The winner comes first, then what it overrode, each with its file, line and commit.
    """
    cli: Cli = ctx.obj
    if not path and (re.fullmatch(r"[Gg]\d{4}", what) or what == "exit-codes"):
        _explain_code(cli, what)
        return
    if not path and _explained_kind(cli, what):
        return
    if not path:
        raise UsageWrong(f"which value of {what} shall be explained?",
                         hint=f"guru explain {what} checks, or resources, or agent")
    answer = cli.server.get(Explanation, f"/devices/{part(what)}/explain", path=path)
    if answer["absent"] and not answer["candidates"]:
        raise _nowhere(cli, what, path)
    cli.out.result(Sheet(answer["candidates"], COLUMNS, document=answer,
                         draw=lambda paper: _page(answer, what, paper),
                         name=_place))


def _page(answer: Explanation, device: str, paper: Paper) -> Iterator[str]:
    leaves = list(_leaves(answer["value"]))
    many = isinstance(answer["value"], dict) and bool(leaves)
    shown = "gone" if answer["absent"] else "" if many else f"= {value(answer['value'])}"
    title = f"{paper.paint(clean(answer['path']), 'title')} {paper.paint(shown, 'title')}".rstrip()
    yield f"{title}   {paper.paint('on ' + clean(device), 'dim')}"
    if many:
        pairs = [[Cell(clean(path)), Cell(value(leaf))] for path, leaf in leaves]
        yield from indented(pairs, paper, keep=[True, False])
        yield from heading("Said by", paper)
    rows = []
    for number, one in enumerate(answer["candidates"]):
        tone: Tone = "" if number == 0 else "dim"
        note = {"remove": "removed", "replace": "replaced the whole"}.get(one["action"], "")
        words = "" if number == 0 else "below" if many else "overridden"
        said = "" if many or one["action"] == "remove" else value(one["value"])
        rows.append([Cell("*" if number == 0 else " ", "good"),
                     *([] if many else [Cell(said or "-", "good" if number == 0 else "dim")]),
                     Cell(clean(one["layer"]), tone), Cell(_place(one), tone),
                     Cell(", ".join(w for w in (note, words) if w), "dim")])
    yield from indented(rows, paper, keep=[True] * (3 if many else 1) + ([] if many else [False, True, True]) + [False])


def _leaves(item: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Dotted paths and values below a map; a value that is no map is none."""
    if isinstance(item, dict) and item:
        for key, inner in item.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, item


def _nowhere(cli: Cli, device: str, path: str) -> NotFound:
    """The error for a value that nobody gives, with the nearest path that somebody does."""
    steps = path.split(".")
    for cut in range(len(steps) - 1, 0, -1):
        parent = ".".join(steps[:cut])
        above = cli.server.get(Explanation, f"/devices/{part(device)}/explain", path=parent)
        if not above["absent"] and isinstance(above["value"], dict):
            known = [str(key) for key in above["value"]]
            near = get_close_matches(steps[cut], known, 1)
            meant = ".".join([parent, *near, *(steps[cut + 1:] if near else [])])
            return NotFound(f"{device} has no {path}: nothing under {parent} is called {steps[cut]}",
                            hint=f"did you mean {meant}?" if near else f"there is {', '.join(known[:20])}")
    return NotFound(f"{device} has no {path}: no policy gives it any {steps[0]}",
                    hint=f"`guru explain {device} agent` shows what it has by itself")


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
