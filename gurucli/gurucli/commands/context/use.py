"""`guru context use`: chooses the server that commands talk to."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli import contexts
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", "CONTEXT", keep=True), Column("url", keep=True))
EXAMPLES = (("guru context use prod", "from now on"),
            ("guru --context prod device list", "for one command only"))


def run(
    ctx: typer.Context,
    name: Annotated[str,
                    typer.Argument(metavar="NAME", help="As `guru context list` shows.", show_default=False)],
) -> None:
    """Choose the server that commands talk to."""
    cli: Cli = ctx.obj
    config = contexts.load(cli.environment.config).using(name)
    contexts.save(cli.environment.config, config)
    chosen = config.named(name)

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"{clean(chosen.name)} is in use ({clean(chosen.url)})", "good"),
                            "good")]

    cli.out.result(record({"name": chosen.name, "url": chosen.url}, COLUMNS, told))
    if cli.environment.url:
        cli.out.note("GURU_URL is set, and goes before it")
