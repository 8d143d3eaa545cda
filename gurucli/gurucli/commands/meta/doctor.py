"""`guru doctor`: looks at each step from this computer to the server, and says how to mend it. It mends
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers import Diagnosis
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.diagnosis import examine
from gurucli.exits import Exit
from gurucli.human import plural
from gurucli.paper import Cell, Paper, Tone
from gurucli.render.table import grid
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("name", keep=True), Column("ok"), Column("message"), Column("fix"))
EXAMPLES = (
    ("guru doctor", "everything at once"),
    ("guru doctor --context prod -o json", "another server, for a script"),
)


def run(ctx: typer.Context) -> int:
    """Look for what is wrong, and say how to mend it.

    Looked at are the configuration, the way to the server, its certificate, its clock, your token, the
    versions, and what the server says of itself. Ends with 1 when anything is wrong.
    """
    cli: Cli = ctx.obj
    lines = list(examine(cli))
    wrong = sum(not line["ok"] for line in lines)
    document = {"ok": not wrong, "lines": lines}
    cli.out.result(Sheet(lines, COLUMNS, document=document, draw=lambda paper: _page(lines, paper)))
    return Exit.failure if wrong else Exit.done


def _page(lines: list[Diagnosis], paper: Paper) -> Iterator[str]:
    rows = []
    for line in lines:
        tone: Tone = "good" if line["ok"] else "bad"
        word = "" if paper.glyphs else "ok" if line["ok"] else "WRONG"
        rows.append([Cell(paper.marked(word, tone) if paper.glyphs else word, tone),
                     Cell(clean(line["name"])),
                     Cell(clean(line["message"]))])
    for line, text in zip(lines, grid(["", "", ""], rows, paper, keep=[True, True, True]), strict=True):
        yield text
        if not line["ok"] and line["fix"]:
            yield f"     {paper.paint('fix:', 'accent')} {clean(line['fix'])}"
    wrong = sum(not line["ok"] for line in lines)
    yield ""
    tone = "bad" if wrong else "good"
    yield paper.paint(f"{plural(wrong, 'thing')} to mend" if wrong else "all is well", tone)
