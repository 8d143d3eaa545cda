"""`guru software show`: which devices have a package, in which version and since when. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.errors import NotFound
from gurucli.cli import Cli
from gurucli.commands.device.columns import full_name
from gurucli.parameters import LimitOption, SelectorOption
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("name", "DEVICE", keep=True), Column("customer"), Column("site"), Column("package", wide=True),
    Column("version", keep=True), Column("since", time=True), Column("arch", wide=True), Column("manager", wide=True),
    Column("id", "ID", wide=True),
)
EXAMPLES = (
    ("guru software show openssl", "everybody who has it"),
    ("guru software show openssl --version 3.0.14-1 -o name", "who has still that one, as names"),
)


def run(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME", help="The whole name.", show_default=False)],
    version: Annotated[str, typer.Option(
        "--version", metavar="VERSION", help="Only this version.", show_default=False)] = "",
    selector: SelectorOption = "",
    limit: LimitOption = 0,
) -> None:
    """Show which devices have a package, and since when.

    Without a time it was there when the device first told.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/inventory/holders", limit=limit, name=package, version=version, selector=selector)
    rows = [cast("Row", row) for page in pages for row in page["items"]]
    if not rows:
        raise NotFound(f"no device has {package}{f' {version}' if version else ''}",
                       hint=f"guru software list {package}: names that have it in them")
    cli.out.result(Sheet(rows, COLUMNS, name=full_name))
