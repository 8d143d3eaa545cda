"""`guru key revoke`: ends an API key for good."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_rights import KeyRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.key.columns import COLUMNS
from gurucli.paper import Paper
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru key revoke 3f9a2c", "by the id that `guru key list` shows"),)


def run(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, not its text.", show_default=False)],
) -> None:
    """End an API key for good."""
    cli: Cli = ctx.obj
    gone = cli.server.delete(KeyRow, f"/keys/{part(key)}")

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"revoked {clean(gone['id'])}", "good"), "good")]

    cli.out.result(record(gone, COLUMNS, told, name="id"))
