"""`guru whoami`: who the token is, at which server."""

from __future__ import annotations

import typer

from gurucli.answers import WhoAmI
from gurucli.cli import Cli
from gurucli.commands.session.columns import COLUMNS, told
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru whoami", "name, role, server"),
    ("guru whoami --context prod -o json", "at another server, for a script"),
)


def run(ctx: typer.Context) -> None:
    """Show who you are, and where."""
    cli: Cli = ctx.obj
    document = {**cli.server.get(WhoAmI, "/whoami"), "url": cli.context.url, "context": cli.context.name}
    cli.out.result(record(document, COLUMNS, lambda paper: told(document, paper)))
