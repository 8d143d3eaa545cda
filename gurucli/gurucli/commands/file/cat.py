"""`guru cat`: prints a file of a device."""

from __future__ import annotations

import typer

from gurucli.cli import Cli
from gurucli.commands.file.showing import COLUMNS, show
from gurucli.file_looks import PlaceRef, look

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru cat web01:/etc/hosts", "its lines, without what a terminal would obey"),
    ("guru cat web01:/var/backups/dpkg.status.1.gz > status.gz", "in a pipe byte for byte"),
    ("guru cat web01:/etc/hosts -o json", "with its size and SHA-256"),
)


def run(ctx: typer.Context, place: PlaceRef) -> None:
    """Print a file of a device.

    Up to 8 MiB, whole or not at all. Links are not followed; a role says which paths it is for.
    """
    cli: Cli = ctx.obj
    show(cli, look(cli, place, "read"))
