"""`guru version`: of this program; it asks no server."""

from __future__ import annotations

import platform

import typer

from guru_wire.version import LANGUAGE, VERSION
from gurucli.cli import Cli
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("guru", keep=True), Column("language"), Column("python"), Column("platform"))
EXAMPLES = (
    ("guru version", "one line"),
    ("guru version -o jsonpath=.guru", "the number alone"),
)


def run(ctx: typer.Context) -> None:
    """Show the versions of this program.

    The language is the number that programs agree on; `guru doctor` compares it with the server's.
    """
    cli: Cli = ctx.obj
    document: dict[str, object] = {
        "guru": VERSION, "language": LANGUAGE, "python": platform.python_version(),
        "platform": platform.system()}
    line = f"guru {VERSION} (language {LANGUAGE}, Python {document['python']})"
    cli.out.result(Sheet([document], COLUMNS, document=document, name="guru", draw=lambda _: [line]))
