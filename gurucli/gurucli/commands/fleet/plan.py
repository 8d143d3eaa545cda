"""`guru plan`: what a change would do, object by object and device by device. Nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import Refused, UsageWrong
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
    ("guru plan --out fleet.plan", "keep the plan of the newest commit, for `guru apply fleet.plan`"),
    ("guru plan --against main", "against another commit instead of what is in force"),
    ("guru plan --exit-code", "in CI: ends with 3 when there are differences"),
    ("guru plan -o markdown=plan.md -o json > plan.json", "for a comment on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    revision: Annotated[str, typer.Option(
        "--revision", metavar="REV", help="Plan this commit, branch or tag instead of a folder.",
        show_default=False)] = "",
    out: Annotated[str, typer.Option(
        "--out", metavar="FILE", help="Keep the plan of a commit, for `guru apply`.", show_default=False)] = "",
    against: Annotated[str, typer.Option(
        "--against", metavar="REV", help="Compare with this commit, branch or tag instead of what is in force.",
        show_default=False)] = "",
    exit_code: Annotated[bool, typer.Option(
        "--exit-code", help="End with 3 when there are differences.", show_default=False)] = False,
) -> int:
    """Show what a change would do to which devices; nothing is changed.

    The server plans with the very functions that a sync uses, on the inventory of this moment, and writes
    nothing. Ends with 10 when the repository has faults, and with 8 when a guard refuses the change, for
    example because it deletes too much. With --out it is the newest commit of a clean folder that is planned,
    and it must be pushed; a plan that is refused is not kept.
    """
    cli: Cli = ctx.obj
    if path and revision:
        raise UsageWrong("a plan is of a folder or of a revision, not of both")
    if out and against:
        raise UsageWrong("a plan to apply is against what is in force: --out and --against exclude each other")
    plan = planned(cli, path, revision, against, out)
    _print(cli, plan)
    if out and plan["exact"]:
        from gurucli.plan_file import save_plan

        save_plan(out, plan)
        cli.out.note(f"kept in {out}: guru apply {out}")
    if any(fault["severity"] == "error" for fault in plan["faults"]):
        return Exit.invalid
    if plan["guards"]:
        return Exit.refused
    return Exit.differences if exit_code and (plan["objects"] or plan["affected"]) else Exit.done


def planned(cli: Cli, path: str, revision: str, against: str, out: str) -> Plan:
    """The server's plan of a folder or of a revision; one to keep is of the newest commit of a clean folder."""
    from gurucli.folder_tree import FolderTree
    from gurucli.revisions import full

    here = Path(path) if path else Path.cwd()
    other = full(cli.server, against, here) if against else None
    if revision or out:
        wanted = full(cli.server, revision, here) if revision else _newest(_root(path), Path(out))
        return cli.server.post(Plan, "/plans", {"revision": wanted, "against": other, "exact": bool(out)})
    from gurucli.planning import plan_folder

    return plan_folder(cli.server, FolderTree(_root(path)), other)


def _root(path: str) -> Path:
    from gurucli.folder_tree import find_root

    return Path(path) if path else find_root(Path.cwd())


def _newest(root: Path, out: Path) -> str:
    """The newest commit of a folder that holds nothing else."""
    from gurucli.commit_tree import commit_of, is_clean

    commit = commit_of(root, "HEAD")
    if not is_clean(root, out):
        raise Refused("the folder holds changes that are in no commit", hint="commit and push them first")
    return commit


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
