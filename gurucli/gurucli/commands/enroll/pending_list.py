"""`guru enroll pending list`: who waits to be let in, and who is in quarantine."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.admitting import PENDING as COLUMNS
from gurucli.cli import Cli
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru enroll pending list", "with the reason of each"),
    ("guru enroll pending list -o wide", "also which devices said the same hardware"),
)


def run(ctx: typer.Context) -> None:
    """List the devices that wait to be let in, and those in quarantine.

    They are linked and hear of a decision at once, but get nothing, and nothing of what they say is believed.
    """
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for page in cli.server.pages("/admissions") for row in page["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="nobody waits, and nobody is in quarantine"))
