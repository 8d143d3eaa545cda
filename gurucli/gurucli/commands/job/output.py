"""`guru job output`: all that is kept of what one device printed."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_jobs import JobDetail, RunOutput
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.following import safe
from gurucli.human import plural
from gurucli.job_page import truncated
from gurucli.job_refs import JobRef
from gurucli.job_verdict import how
from gurucli.sheet import Column, Row, Sheet, plain

COLUMNS = (
    Column("run.name", "DEVICE"), Column("run.state", "STATE"), Column("run.exit_code", "EXIT"), Column("stdout"),
    Column("stderr"), Column("truncated"), Column("job"), Column("run", wide=True),
)
EXAMPLES = (
    ("guru job output 3f2a91c0 web01", "its stdout here on stdout, its stderr on stderr"),
    ("guru job output 3f2a91c0", "of a job on one device"),
    ("guru job output 3f2a91c0 web01 -o json", "both, with the exit code"),
)


def run(
    ctx: typer.Context,
    job: JobRef,
    device: Annotated[str, typer.Argument(
        metavar="DEVICE", help="Of a job on several.", show_default=False)] = "",
) -> None:
    """Print what a device printed."""
    cli: Cli = ctx.obj
    if not device:
        runs = cli.server.get(JobDetail, f"/jobs/{part(job)}")["runs"]
        if len(runs) != 1:
            raise UsageWrong(f"that job is on {plural(len(runs), 'device')}", hint=f"guru job output {job} DEVICE")
        device = runs[0]["device"]
    found = cli.server.get(RunOutput, f"/jobs/{part(job)}/output/{part(device)}")
    err = found["stderr"]
    if cli.out.kind in ("table", "wide", "tsv") and not cli.options.fields:
        if err:
            cli.out.write_side("".join(f"{safe(line)}\n" for line in err.removesuffix("\n").split("\n")))
        name = plain(found["run"]["name"])
        cli.out.note(f"{name}: {how(found['run'])}")
        if found["truncated"]:
            cli.out.say(f"{name}: {truncated(found['run']) or 'not all of it is here'}")
    lines = found["stdout"].removesuffix("\n").split("\n") if found["stdout"] else []
    cli.out.result(Sheet([cast("Row", found)], COLUMNS, document=cast("Row", found), name="run.name",
                         text=lambda paper: (safe(line, tabs=cli.out.kind == "tsv") for line in lines)))
