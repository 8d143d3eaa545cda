"""`guru sync`: the server fetches now; with --wait, until the devices follow. It changes nothing by itself."""

from __future__ import annotations

import typer

from guru_policy.errors import Unreachable
from gurucli.answers import SyncRequested
from gurucli.arriving import COLUMNS, DeadlineOption, ShareOption, WaitOption, patience, settle
from gurucli.cli import Cli

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru sync", "fetch now, and say what came"),
    ("guru sync --wait", "until every device that it concerns has it"),
    ("guru sync --wait --for 95% --timeout 15m", "a few may be offline"),
)


def run(
    ctx: typer.Context, wait: WaitOption = False, deadline: DeadlineOption = "5m", share: ShareOption = "100%",
) -> None:
    """Have the newest commit fetched now, and wait until devices follow.

    Counted are the devices that the revision concerns. Ends with 10 when the commit is refused, with 6 when
    devices failed, are offline, or customers are held back, with 7 when the time is over, and with 8 when the
    commit was rolled back or waits for `guru apply`.
    """
    cli: Cli = ctx.obj
    enough, limit = patience(share, deadline)
    asked = cli.server.post(SyncRequested, "/sync", {})
    if asked["revision"] is None:
        raise Unreachable(f"the server could not fetch the repository: {asked['reason'] or asked['outcome']}",
                          hint="`guru status` and `guru doctor` tell more")
    settle(cli, asked, wait=wait, share=enough, limit=limit)
