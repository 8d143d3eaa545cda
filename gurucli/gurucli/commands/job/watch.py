"""`guru job watch`: follows a job from its beginning, as `guru run` would have. Leaving it ends nothing."""

from __future__ import annotations

import typer

from gurucli.answers_jobs import JobDetail, JobRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.job_refs import JobRef
from gurucli.job_telling import COLUMNS, tell

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru job watch 3f2a91c0", "what its devices print, from the beginning"),
    ("guru job watch 3f2a91c0 -o ndjson", "every event on a line"),
)


def run(ctx: typer.Context, job: JobRef) -> None:
    """Follow a job from its beginning until nothing more is to be expected."""
    cli: Cli = ctx.obj
    detail = cli.server.get(JobDetail, f"/jobs/{part(job)}")
    row = JobRow(**{key: detail[key] for key in JobRow.__required_keys__})  # type: ignore[typeddict-item,literal-required]  # the keys are its own
    tell(cli, row, 0)
