"""`guru job show`: one job with every device of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import typer

from gurucli.answers_jobs import JobDetail
from gurucli.blocks import indented
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import ago, span
from gurucli.job_page import RUN_COLUMNS, TONES
from gurucli.job_refs import JobRef
from gurucli.job_verdict import counted, how
from gurucli.paper import Cell, Paper
from gurucli.sheet import Row, Sheet

COLUMNS = RUN_COLUMNS
EXAMPLES = (
    ("guru job show 3f2a91c0", "by the first digits of its id"),
    ("guru job show 3f2a91c0 -o jsonpath=.runs[?(@.state=='failed')].name", "where it failed"),
)


def run(ctx: typer.Context, job: JobRef) -> None:
    """Show one job with every device of it."""
    cli: Cli = ctx.obj
    detail = cli.server.get(JobDetail, f"/jobs/{part(job)}")
    rows = [cast("Row", one) for one in detail["runs"]]
    cli.out.result(Sheet(rows, COLUMNS, document=cast("Row", detail), name="name",
                         draw=lambda paper: page(detail, paper)))


def page(job: JobDetail, paper: Paper) -> Iterator[str]:
    """The lines for a terminal."""
    state = "over" if job["finished_at"] is not None else "open"
    yield f"{paper.paint(clean(job['id'])[:8], 'title')}  {clean(job['what'])}"
    yield paper.dot.join([
        state, f"by {clean(job['actor'])}", f"{ago(job['created_at'], paper.now)} ago", f"on {clean(job['target'])}",
        f"timeout {span(job['timeout'])}", f"batch {clean(job['batch'])}",
    ])
    yield counted(job["counts"], job["total"])
    if job["stopped"]:
        yield paper.paint(paper.marked(clean(job["stopped"]), "warn"), "warn")
    if job.get("held"):                 # a server from before signers says nothing of it
        yield paper.paint(paper.marked(clean(job["held"]), "warn"), "warn")
    yield ""
    rows = []
    for one in job["runs"]:
        tone = TONES.get(one["state"], "")
        took = f"{one['duration']:,} ms" if one["duration"] is not None else "-"
        rows.append([
            Cell(clean(one["name"])), Cell(f"{clean(one['customer'])}/{clean(one['site'])}", "dim"),
            Cell(paper.marked(how(one), tone), tone), Cell(took, "dim"),
        ])
    yield from indented(rows, paper, keep=[True, True, False, True])
