"""Options that `guru run` and `guru script run` share, and how both ask for a job. It prints nothing."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_jobs import JobMade
from gurucli.asking import confirmed
from gurucli.cli import Cli
from gurucli.human import seconds
from gurucli.job_lists import JOB_COLUMNS
from gurucli.job_telling import started, tell
from gurucli.sheet import Row, record

ExpiresOption = Annotated[str, typer.Option(
    "--expires", metavar="TIME", help="Devices that are away may still begin for this long.")]
NoWaitOption = Annotated[bool, typer.Option(
    "--no-wait", help="Print the job and end; `guru job watch` follows it.", show_default=False)]
BatchOption = Annotated[str, typer.Option(
    "--batch", metavar="N|N%", help="So many devices at once, the next when those are over.", show_default=False)]
MaxFailuresOption = Annotated[int, typer.Option(
    "--max-failures", metavar="N", min=0, help="No further devices begin once so many failed.", show_default=False)]
DelayOption = Annotated[str, typer.Option(
    "--delay", metavar="TIME", help="Wait this long between two batches.", show_default=False)]


def pace(expires: str, batch: str, max_failures: int, delay: str) -> dict[str, object]:
    """The part of a request that says when devices begin; UsageWrong for what is no time."""
    if delay and not batch:
        raise UsageWrong("--delay is between batches", hint="add --batch 10%")
    return {
        "expires": whole("--expires", expires),
        "batch": {"size": batch or "100%", "max_failures": max_failures,
                  "delay": whole("--delay", delay) if delay else 0},
    }


def whole(option: str, text: str) -> int:
    """Seconds of a duration, at least one; UsageWrong for anything else."""
    value = int(seconds(text))
    if value < 1:
        raise UsageWrong(f"{option} {text} is too short", hint="a second is the least")
    return value


def order(
    cli: Cli, device: str, selector: str, request: dict[str, object], *, deed: str, yes: bool, most: int, wait: bool
) -> None:
    """Ask for the job, after a question when it is for several devices, and follow it."""
    count = confirmed(cli, selector, deed, yes=yes, most=most) if selector else 1
    begun(cli, device, selector, request, most=max(most, count), wait=wait)


def begun(
    cli: Cli, device: str, selector: str, request: dict[str, object], *, most: int, wait: bool = True,
    deed: str = "succeeded",
) -> None:
    """Ask for the job without a question, and follow it. `deed`: what those devices did that are done."""
    made = cli.server.post(JobMade, "/jobs", {
        **request, "device": device, "selector": selector, "max_devices": most})
    if not wait:
        made_only(cli, made)
        return
    started(cli, made["job"])
    tell(cli, made["job"], made["next"], deed)


def made_only(cli: Cli, made: JobMade) -> None:
    """Print the job that was made and leave it to itself."""
    cli.out.result(record(cast("Row", made["job"]), JOB_COLUMNS, name="id"))
