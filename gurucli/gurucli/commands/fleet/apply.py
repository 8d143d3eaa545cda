"""`guru apply`: a saved plan into force, exactly as it was shown. It applies nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers import SyncRequested
from gurucli.arriving import COLUMNS, DeadlineOption, ShareOption, WaitOption, patience, settle
from gurucli.cli import Cli

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru plan --out fleet.plan && guru apply fleet.plan", "in CI, on the main branch"),
    ("guru apply fleet.plan --wait --for 95% --timeout 30m", "and until the devices follow"),
)


def run(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="What `guru plan --out` wrote.", show_default=False)],
    wait: WaitOption = False, deadline: DeadlineOption = "5m", share: ShareOption = "100%",
) -> None:
    """Bring a saved plan into force exactly as shown, or not at all.

    The server makes the plan again and compares: the revision in force, the devices there are, and the bundle
    that each of them has and gets. Ends with 9 and changes nothing when one of them moved; with 8 when the
    commit is not on the watched branch, is older, or was rolled back. A plan that is in force already is done.
    """
    cli: Cli = ctx.obj
    from gurucli.plan_file import saved_plan

    enough, limit = patience(share, deadline)
    asked = cli.server.post(SyncRequested, "/applications", saved_plan(plan))
    settle(cli, asked, wait=wait, share=enough, limit=limit)
