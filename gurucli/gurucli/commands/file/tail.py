"""`guru tail`: prints the last lines of a file of a device."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.commands.file.showing import COLUMNS, show
from gurucli.file_looks import PlaceRef, look

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru tail -n 50 web01:/var/log/syslog", "of a file of any size"),)


def run(
    ctx: typer.Context,
    place: PlaceRef,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=1, max=100_000, help="So many.")] = 20,
) -> None:
    """Print the last lines of a file of a device."""
    cli: Cli = ctx.obj
    show(cli, look(cli, place, "read", lines))
