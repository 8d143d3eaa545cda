"""`guru alias set`: gives a short word to a longer line, in the configuration. It runs nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli import contexts
from gurucli.aliases import with_alias
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", "ALIAS", keep=True), Column("line", "STANDS FOR", keep=True))
EXAMPLES = (("guru alias set hq 'device list -l site=hq'", "then `guru hq -o json` works too"),
            ("guru alias set top-talkers 'query \"select * from processes order by rss desc limit 5\"'", "quotes stay"))


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(
        metavar="NAME", help="A word that no command has.", show_default=False)],
    line: Annotated[str, typer.Argument(
        metavar="LINE", help="What it stands for, in quotes, without guru.", show_default=False)],
) -> None:
    """Give a short word to a longer command line.

    The line is put in the word's place once; it may not begin with another alias. What you type behind the word
    follows. A command of guru's own always goes before an alias. Keep secrets out of it: it is kept as it is.
    """
    cli: Cli = ctx.obj
    config = with_alias(contexts.load(cli.environment.config), name, line)
    contexts.save(cli.environment.config, config)

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"guru {name} stands for guru {clean(line)}", "good"), "good")]

    cli.out.result(record({"name": name, "line": line}, COLUMNS, told))
