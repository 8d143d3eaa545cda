"""`guru job list`: the newest jobs and how they went."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers import Page
from gurucli.answers_jobs import JobRow
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.job_lists import JOB_COLUMNS as COLUMNS
from gurucli.job_lists import short_ids
from gurucli.names import Names
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru job list", "the newest fifty"),
    ("guru job list --limit 5 -o json", "for a script"),
)
USUAL = 50                              # rows


def run(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most this many.")] = USUAL,
) -> None:
    """List the newest jobs."""
    cli: Cli = ctx.obj
    page = cast("Page[JobRow]", cli.server.get(Page, "/jobs", limit=limit))
    rows = [cast("Row", row) for row in page["items"]]
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="there was no job yet"))
    names = Names(cli.environment.cache)
    (names.replace if limit >= USUAL else names.add)(cli.context.url, "job", short_ids(page["items"]))
    if page["total"] > len(rows) and limit == USUAL:       # who asked for fewer knows that there are more
        cli.out.note(f"{len(rows):,} of {plural(page['total'], 'job')}; more with --limit")
