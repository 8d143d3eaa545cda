"""`guru schedule cancel`: ends a run of a schedule that is under way."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers_schedules import ScheduledRunEnding
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.sheet import Column, Row, record

COLUMNS = (Column("run", keep=True), Column("name", "DEVICE"), Column("schedule"), Column("due", time=True))
EXAMPLES = (
    ("guru schedule cancel 3f2a91c0", "the device ends it; `guru schedule runs` tells how"),
    ("guru schedule cancel 3f2a91c0 -o json", "which run of which device it is"),
)


def run(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id, or the first digits of it.", show_default=False)],
) -> None:
    """End a run of a schedule that is under way.

    A device that is away is told when it comes back. The schedule stays: take it out of Git to end it for good, which
    ends what runs of it, too.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(ScheduledRunEnding, f"/schedules/runs/{part(run)}/cancel", {})
    told = f"{done['name']} was told to end its run of {done['schedule']}"
    cli.out.result(record(cast("Row", done), COLUMNS, lambda paper: [told], name="run"))
