"""`guru script list`: the command templates in force."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.answers_jobs import ScriptRow
from gurucli.cli import Cli
from gurucli.human import span
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet, plain


def _params(row: Row, paper: Paper) -> Cell:
    params = row.get("params")
    names = [plain(one.get("name")) for one in params if isinstance(one, dict)] if isinstance(params, list) else []
    return Cell(", ".join(names) or "-")


def _timeout(row: Row, paper: Paper) -> Cell:
    value = row.get("timeout")
    return Cell(span(value) if isinstance(value, int) else "-")


COLUMNS = (
    Column("name", keep=True), Column("scope"), Column("shell"), Column("os"), Column("params", show=_params),
    Column("timeout", show=_timeout), Column("command_class", "CLASS"), Column("approval"), Column("display_name"),
    Column("run_as", wide=True), Column("output", wide=True), Column("sandbox", wide=True),
    Column("revision", wide=True),
)
EXAMPLES = (
    ("guru script list", "what may be run by name"),
    ("guru script list -o name", "only the names"),
)


def run(ctx: typer.Context) -> None:
    """List the command templates in force."""
    cli: Cli = ctx.obj
    page = cast("Page[ScriptRow]", cli.server.get(Page, "/scripts"))
    rows = [cast("Row", row) for row in page["items"]]
    cli.out.result(Sheet(rows, COLUMNS, empty="no command template is in force"))
