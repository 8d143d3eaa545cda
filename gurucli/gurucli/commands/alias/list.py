"""`guru alias list`: the short words in the configuration. It talks to nobody."""

from __future__ import annotations

import typer

from gurucli import contexts
from gurucli.aliases import hidden
from gurucli.cli import Cli
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet


def _state(row: Row, paper: Paper) -> Cell:
    return Cell(paper.marked("hidden by a command", "warn"), "warn") if row.get("hidden") else Cell("")


COLUMNS = (Column("name", "ALIAS", keep=True), Column("line", "STANDS FOR", keep=True),
           Column("hidden", "STATE", show=_state))
EXAMPLES = (
    ("guru alias list", "all of them"),
    ("guru alias list -o json", "for a script"),
)


def run(ctx: typer.Context) -> None:
    """List your aliases."""
    cli: Cli = ctx.obj
    aliases = contexts.load(cli.environment.config).aliases
    rows: list[Row] = [{"name": name, "line": line, "hidden": hidden(name)} for name, line in sorted(aliases.items())]
    cli.out.result(Sheet(rows, COLUMNS, empty="there is no alias yet; guru alias set hq 'device list -l site=hq'"))
