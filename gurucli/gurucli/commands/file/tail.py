"""`guru tail`: prints the last lines of a file of a device, and with -f those that are added."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.cli import Cli
from gurucli.commands.file.showing import COLUMNS, show
from gurucli.file_looks import PlaceRef, followed, look
from gurucli.ordering import whole

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru tail -n 50 web01:/var/log/syslog", "of a file of any size"),
    ("guru tail -f web01:/var/log/nginx/error.log", "and what is added, for ten minutes or until ctrl+c"),
)


def run(
    ctx: typer.Context,
    place: PlaceRef,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=1, max=100_000, help="So many.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is added.")] = False,
    span: Annotated[str, typer.Option("--for", metavar="TIME", help="With -f: end after this.")] = "10m",
) -> None:
    """Print the last lines of a file of a device."""
    cli: Cli = ctx.obj
    if not follow:
        show(cli, look(cli, place, "read", lines))
        return
    if cli.out.kind not in ("table", "wide", "tsv"):
        raise UsageWrong(f"-o {cli.out.kind} has an end, and -f has none", hint="leave -o out")
    followed(cli, place, lines, whole("--for", span))
