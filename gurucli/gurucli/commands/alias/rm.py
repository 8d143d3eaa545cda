"""`guru alias rm`: takes a short word out of the configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli import contexts
from gurucli.aliases import without_alias
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", "ALIAS", keep=True),)
EXAMPLES = (("guru alias rm hq", "`guru alias list` names the ones there are"),)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(
        metavar="NAME", help="As `guru alias list` shows.", show_default=False)],
) -> None:
    """Remove an alias."""
    cli: Cli = ctx.obj
    contexts.save(cli.environment.config, without_alias(contexts.load(cli.environment.config), name))

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"removed {clean(name)}", "good"), "good")]

    cli.out.result(record({"name": name}, COLUMNS, told))
