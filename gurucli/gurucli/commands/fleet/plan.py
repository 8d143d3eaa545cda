"""`guru plan`: what a change would do, object by object and device by device. Nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import Plan
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.parameters import PathArgument
from gurucli.plan_page import page, plan_rows, summary
from gurucli.sheet import Column, Sheet

REPORTS = True
COLUMNS = (
    Column("what"), Column("action"), Column("kind"), Column("scope"), Column("name", keep=True),
    Column("field"),
    Column("before"), Column("after"), Column("why"), Column("online", wide=True), Column("id", wide=True),
    Column("default", wide=True),
)
EXAMPLES = (
    ("guru plan", "the repository around this folder, uncommitted changes included"),
    ("guru plan --revision 9f31c2e", "a commit that was pushed, to any branch"),
    ("guru plan --exit-code", "in CI: ends with 3 when there are differences"),
    ("guru plan -o markdown=plan.md -o json > plan.json", "for a comment on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    revision: Annotated[str, typer.Option(
        "--revision", metavar="REV", help="Plan this commit, branch or tag instead of a folder.",
        show_default=False)] = "",
    exit_code: Annotated[bool, typer.Option(
        "--exit-code", help="End with 3 when there are differences.", show_default=False)] = False,
) -> int:
    """Show what a change would do to which devices; nothing is changed.

    The server plans with the very functions that a sync uses, on the inventory of this moment. Ends with 10
    when the repository has faults, and with 8 when a guard refuses the change, for example because it
    deletes too much.
    """
    cli: Cli = ctx.obj
    if path and revision:
        raise UsageWrong("a plan is of a folder or of a revision, not of both")
    if revision:
        from gurucli.revisions import full

        plan = cli.server.post(Plan, "/plans", {"revision": full(cli.server, revision, Path.cwd())})
    else:
        from gurucli.folder_tree import FolderTree, find_root
        from gurucli.planning import plan_folder

        plan = plan_folder(cli.server, FolderTree(Path(path) if path else find_root(Path.cwd())))
    _print(cli, plan)
    if any(fault["severity"] == "error" for fault in plan["faults"]):
        return Exit.invalid
    if plan["guards"]:
        return Exit.refused
    return Exit.differences if exit_code and (plan["objects"] or plan["affected"]) else Exit.done


def _print(cli: Cli, plan: Plan) -> None:
    from gurucli.reports import write_reports

    printed = write_reports(cli.reports, plan["faults"], _markdown(plan) if cli.reports else "")
    everything = cli.out.kind == "wide"
    if printed:
        cli.out.lines(printed)
    else:
        cli.out.result(Sheet(plan_rows(plan), COLUMNS, document=plan, name=lambda row: str(row["name"]),
                             draw=lambda paper: page(plan, paper, everything=everything)))
    if printed or cli.out.kind not in ("table", "wide"):
        cli.out.note(summary(plan))


def _markdown(plan: Plan) -> str:
    from gurucli.plan_markdown import plan_markdown

    return plan_markdown(plan)
