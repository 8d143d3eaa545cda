"""`guru job cancel`: ends what runs of a job, and lets nothing of it begin any more."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers_jobs import JobCancelled
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.job_refs import JobRef
from gurucli.sheet import Column, Row, record

COLUMNS = (Column("job", keep=True), Column("cancelled"), Column("ending"))
EXAMPLES = (
    ("guru job cancel 3f2a91c0", "devices that run it end it, others never begin"),
    ("guru job cancel 3f2a91c0 -o json", "how many were which"),
)


def run(ctx: typer.Context, job: JobRef) -> None:
    """End a job: what runs of it is ended, what waits never begins.

    A device that is away ends it when it comes back. `guru job show` tells how each run really ended.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(JobCancelled, f"/jobs/{part(job)}/cancel", {})
    told = f"{done['cancelled']:,} never begin, {done['ending']:,} were told to end"
    if not done["cancelled"] and not done["ending"]:
        told = "it was over already: nothing of it ran or waited"
    cli.out.result(record(cast("Row", done), COLUMNS, lambda paper: [told], name="job"))
