"""`guru job rerun`: the same command once more, as a new job. It asks as `guru run` does."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import NotFound
from gurucli.answers_jobs import JobDetail, JobMade
from gurucli.asking import confirm
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.job_refs import JobRef
from gurucli.job_telling import COLUMNS, started, tell
from gurucli.ordering import ExpiresOption, NoWaitOption, made_only, whole
from gurucli.parameters import MaxDevicesOption, YesOption

__all__ = ["COLUMNS", "EXAMPLES", "run"]

FAILED = ("failed", "timed_out", "expired", "cancelled", "lost")
EXAMPLES = (
    ("guru job rerun 3f2a91c0 --failed", "on the devices where it did not succeed"),
    ("guru job rerun 3f2a91c0 --yes --max-devices 40", "on all of them, in a script"),
)


def run(
    ctx: typer.Context,
    job: JobRef,
    failed: Annotated[bool, typer.Option(
        "--failed", help="Only where it ended without success.", show_default=False)] = False,
    expires: ExpiresOption = "1h",
    no_wait: NoWaitOption = False,
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Run a job's command once more, as a new job."""
    cli: Cli = ctx.obj
    runs = cli.server.get(JobDetail, f"/jobs/{part(job)}")["runs"]
    count = sum(not failed or run["state"] in FAILED for run in runs)
    if not count:
        raise NotFound("no device of that job ended without success", hint=f"`guru job show {job}` lists its devices")
    if count > 1:
        confirm(cli, "run it again on", count, yes=yes, most=max_devices)
    made = cli.server.post(JobMade, f"/jobs/{part(job)}/rerun", {
        "failed": failed, "max_devices": max(max_devices, count), "expires": whole("--expires", expires)})
    if no_wait:
        made_only(cli, made)
        return
    started(cli, made["job"])
    tell(cli, made["job"], made["next"])
