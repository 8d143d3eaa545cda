"""`guru enroll token list`: tokens without their secrets."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.cli import Cli
from gurucli.commands.enroll.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru enroll token list", "all of them, with what is left"),
    ("guru enroll token list -o name", "their ids"),
)


def run(ctx: typer.Context) -> None:
    """List the tokens with which devices join."""
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for page in cli.server.pages("/enrolment-tokens") for row in page["items"])
    empty = "no token yet; `guru enroll token create` makes one"
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty=empty))
