"""`guru context list`: the servers in the configuration. Tokens are never shown."""

from __future__ import annotations

import typer

from gurucli import contexts
from gurucli.cli import Cli
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet


def _current(row: Row, paper: Paper) -> Cell:
    return Cell(paper.marked("in use", "good"), "good") if row.get("current") else Cell("")


COLUMNS = (
    Column("name", keep=True), Column("current", "STATE", show=_current), Column("url", keep=True),
    Column("signed_in"), Column("pinned", wide=True),
)
EXAMPLES = (
    ("guru context list", "all of them"),
    ("guru context list -o name", "their names"),
)


def run(ctx: typer.Context) -> None:
    """List the servers you signed in at."""
    cli: Cli = ctx.obj
    config = contexts.load(cli.environment.config)
    used = cli.options.context or cli.environment.context or config.current
    rows: list[Row] = [
        {"name": one.name, "current": one.name == used, "url": one.url, "signed_in": one.signed_in,
         "pinned": bool(one.ca)}
        for one in sorted(config.contexts.values(), key=lambda one: one.name)]
    cli.out.result(Sheet(rows, COLUMNS, empty="no server yet; sign in with `guru login URL`"))
    if cli.environment.url:
        cli.out.note("GURU_URL is set, and goes before these")
