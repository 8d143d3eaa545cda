"""`guru software updates`: which devices have updates to install. It only looks, and installs nothing."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.cli import Cli
from gurucli.commands.device.columns import full_name
from gurucli.parameters import LimitOption, SelectorOption
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("name", "DEVICE", keep=True), Column("customer"), Column("site"), Column("security", right=True),
    Column("updates", right=True), Column("names", "SUCH AS"), Column("at", "LOOKED", time=True),
    Column("id", "ID", wide=True),
)
EXAMPLES = (
    ("guru software updates", "those with most of security first"),
    ("guru software updates -l @acme/hq -o json", "one site, for a program"),
)


def run(ctx: typer.Context, selector: SelectorOption = "", limit: LimitOption = 0) -> None:
    """List devices that have updates to install.

    A device whose lists are old knows of none: a policy that refreshes them is a cron_job of two lines.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/inventory/updates", limit=limit, selector=selector)
    rows = (cast("Row", row) for page in pages for row in page["items"])
    cli.out.result(Sheet(rows, COLUMNS, name=full_name, empty="no device knows of an update"))
