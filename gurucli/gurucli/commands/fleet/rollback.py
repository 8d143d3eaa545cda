"""`guru rollback`: back to a revision that was in force, at once. The bad one stays out until a commit differs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gurucli.answers import SyncRequested
from gurucli.arriving import COLUMNS, DeadlineOption, ShareOption, WaitOption, patience, settle
from gurucli.cli import Cli

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru rollback --reason 'spooler loop'", "to the newest good revision before the present one"),
    ("guru rollback 9f31c2e --reason 'spooler loop' --wait", "to this one, and until the devices follow"),
    ("guru rollback --reason 'spooler loop' --push", "and push a branch that takes the change back in Git"),
)


def run(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown until it ends.",
                                        show_default=False)],
    revision: Annotated[str, typer.Argument(metavar="REV", help="Where to; without it the one before.",
                                            show_default=False)] = "",
    push: Annotated[bool, typer.Option(
        "--push", help="Push a branch with the former files as its newest commit.", show_default=False)] = False,
    wait: WaitOption = False, deadline: DeadlineOption = "5m", share: ShareOption = "100%",
) -> None:
    """Go back to a revision that was in force, at once; Git may be down.

    The server takes it from its own copy. What was in force is held from then on, under any commit that holds
    the same files, until a commit comes that differs; `guru status` shows it. With --push the repository around
    the current folder gets a branch at its remote, for a pull request that takes the change back for good.
    """
    cli: Cli = ctx.obj
    enough, limit = patience(share, deadline)
    body = {"reason": reason, "revision": _full(cli, revision) if revision else None}
    asked = cli.server.post(SyncRequested, "/rollbacks", body)
    if push and asked["revision"]:
        from gurucli.folder_tree import find_root
        from gurucli.reverting import push_revert

        branch = push_revert(find_root(Path.cwd()), asked["revision"], reason)
        cli.out.note(f"pushed branch {branch}: open a pull request from it")
    settle(cli, asked, wait=wait, share=enough, limit=limit)


def _full(cli: Cli, revision: str) -> str:
    """The one revision of the server's list that begins like this."""
    from guru_policy.errors import NotFound, UsageWrong

    if len(revision) == 40:
        return revision
    known = [str(row["revision"]) for page in cli.server.pages("/revisions") for row in page["items"]
             if isinstance(row, dict)]
    found = sorted({one for one in known if one.startswith(revision.lower())})
    if not found:
        raise NotFound(f"no revision in force began with {revision}", hint="`guru revision list` shows them")
    if len(found) > 1:
        raise UsageWrong(f"{len(found)} revisions begin with {revision}", hint="write more of it")
    return found[0]
