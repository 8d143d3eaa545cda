"""`guru rm`: removes a file of one device or many."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.file_putting import remove, target_of
from gurucli.job_telling import COLUMNS
from gurucli.ordering import ExpiresOption
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru rm web01:/var/tmp/dump", "one regular file, no folder and no link"),
    ("guru rm -l role=web :/etc/motd.old", "on many devices; asks first"),
)


def run(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(
        metavar="DEVICE:PATH", help="A device, a colon, and a path from its root; with -l :PATH.",
        show_default=False)],
    selector: SelectorOption = "",
    expires: ExpiresOption = "60s",
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Remove a file of one device or many.

    A regular file, by the path where it really is: links are not followed. It takes file.put for that path.
    """
    cli: Cli = ctx.obj
    device, path = target_of(place, selector)
    remove(cli, device, path, selector=selector, expires=expires, yes=yes, most=max_devices)
