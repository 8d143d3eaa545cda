"""`guru device list`: rows of devices, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers import DeviceRow
from gurucli.blocks import STATES
from gurucli.cli import Cli
from gurucli.commands.device.columns import COLUMNS, full_name
from gurucli.human import plural
from gurucli.names import Names
from gurucli.parameters import LimitOption, SelectorOption, one_of
from gurucli.sheet import Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru device list", "all devices"),
    ("guru device list -l customer=acme,os=linux", "those of one customer that run Linux"),
    ("guru device list --state Unknown", "those nobody has heard from"),
    ("guru device list -o csv --fields name,site,os > devices.csv", "three fields, for a spreadsheet"),
)


def run(
    ctx: typer.Context,
    selector: SelectorOption = "",
    state: Annotated[str, typer.Option(
        "--state", metavar="STATE", help="Only UpToDate, Updating, OutOfDate or Unknown.",
        show_default=False)] = "",
    limit: LimitOption = 0,
) -> None:
    """List devices and how far they are.

    A device that is offline is Unknown since then: nobody knows whether it still is as it should be.
    """
    cli: Cli = ctx.obj
    if state:
        one_of("--state", state, STATES)
    found: list[DeviceRow] = []

    total = 0

    def rows() -> Iterator[DeviceRow]:
        nonlocal total
        for page in cli.server.device_pages(selector, state=state, limit=limit):
            total = page["total"]
            for row in page["items"]:
                found.append(row)
                yield row

    cli.out.result(Sheet(rows(), COLUMNS, name=full_name, empty="no device matches"))
    if total > len(found):
        cli.out.note(f"{len(found):,} of {plural(total, 'device')}; all without --limit")
    _remember(cli, found, everything=not (selector or state or limit))


def _remember(cli: Cli, rows: list[DeviceRow], *, everything: bool) -> None:
    names, url = Names(cli.environment.cache), cli.context.url
    keep = names.replace if everything else names.add
    keep(url, "device", (row["name"] for row in rows))
    keep(url, "customer", (row["customer"] for row in rows))
