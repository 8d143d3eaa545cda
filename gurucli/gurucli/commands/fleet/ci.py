"""`guru ci`: validate, test and plan in one pass, with reports for the forge. It changes nothing anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import FaultLine, Plan
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.parameters import PathArgument, SinceOption
from gurucli.sheet import Column, Sheet
from gurucli.stages import Stage, ending, faults_of, guard_lines

if TYPE_CHECKING:
    from guru_policy.fleet import Fleet
    from gurucli.folder_tree import FolderTree

REPORTS = True
COLUMNS = (Column("stage", keep=True), Column("verdict"), Column("message"))
EXAMPLES = (
    ("guru ci", "what a pipeline runs, here"),
    ("guru ci -o github=- -o markdown=plan.md", "annotations, and a comment for the pull request"),
    ("guru ci -o gitlab=quality.json -o junit=junit.xml -o sarif=fleet.sarif", "one run feeds all"),
    ("guru ci --offline", "without a server: no plan"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    since: SinceOption = "",
    offline: Annotated[bool, typer.Option(
        "--offline", help="Ask no server: leave the plan out.", show_default=False)] = False,
) -> int:
    """Validate, test and plan a fleet repository in one pass.

    Faults of all stages go into every report, the worst first; the Markdown report holds the plan. Without
    faults the change is planned at the server, which writes nothing: a viewer's token is enough. Ends with 10
    for faults and failed tests, and with 8 when a guard refuses the change.
    """
    cli: Cli = ctx.obj
    from gurucli.folder_tree import FolderTree, find_root
    from gurucli.plan_markdown import plan_markdown
    from gurucli.reports import write_reports
    from gurucli.reports.markdown import faults_markdown, text

    if offline and cli.options.context:
        raise UsageWrong("--offline asks no server, and --context chooses one")
    tree = FolderTree(Path(path) if path else find_root(Path.cwd()))
    fleet, first = _validate(tree, since)
    stages, plan = [first, _tests(tree, fleet)], None
    if any(stage.verdict == "failed" for stage in stages):
        stages.append(Stage("plan", "skipped", "the faults come first"))
    elif offline:
        stages.append(Stage("plan", "skipped", "--offline"))
    else:
        stage, plan = _plan(cli, tree)
        stages.append(stage)
    faults = faults_of(stages)
    told = [f"- **{stage.name}** {stage.verdict}: {text(stage.message)}" for stage in stages]
    comment = "\n".join([*told, "", plan_markdown(plan) if plan else faults_markdown(faults)])
    printed = write_reports(cli.reports, faults, comment)
    rows = [{"stage": one.name, "verdict": one.verdict, "message": one.message} for one in stages]
    if printed:
        cli.out.lines(printed)
        for row in rows:
            cli.out.note("  ".join(row.values()))
    else:
        cli.out.result(Sheet(rows, COLUMNS, document=_document(stages, faults, plan), name="stage"))
        _tell(cli, faults)
    return ending(stages)


def _document(stages: Sequence[Stage], faults: Sequence[FaultLine], plan: Plan | None) -> dict[str, object]:
    return {"format_version": "1.0", "stages": [stage._asdict() for stage in stages], "faults": faults, "plan": plan}


def _tell(cli: Cli, faults: Sequence[FaultLine]) -> None:
    """The faults for people, beside the table of stages."""
    from gurucli.blocks import fault_lines

    if faults and cli.out.kind in ("table", "wide", "tsv"):
        for line in fault_lines(faults, cli.out.side, by=0, most=50):
            cli.out.note(line)


def _validate(tree: FolderTree, since: str) -> tuple[Fleet, Stage]:
    from guru_policy.loading import ParseCache, load
    from gurucli.commands.fleet.validate import as_line, new_faults

    cache = ParseCache()
    fleet = load(tree, cache)
    found = fleet.faults
    if since:
        from gurucli.commit_tree import CommitTree

        found = new_faults(load(CommitTree(tree.root, since), cache).faults, found)
    lines = tuple(as_line(fault) for fault in found)
    errors = sum(line["severity"] == "error" for line in lines)
    counts = ((len(fleet.objects), "object"), (errors, "error"), (len(lines) - errors, "warning"))
    message = ", ".join(plural(count, word) for count, word in counts)
    return fleet, Stage("validate", "failed" if errors else "passed", message, lines)


def _tests(tree: FolderTree, fleet: Fleet) -> Stage:
    """The objects of kind Test. A repository without any says so; a faulty one is not tested."""
    from gurucli.testing import run_tests

    if not any(key.kind == "Test" for key in fleet.objects):
        return Stage("test", "skipped", "the repository has no tests")
    if any(fault.severity == "error" for fault in fleet.faults):
        return Stage("test", "skipped", "the faults come first")
    ran = run_tests(tree, fleet)
    return Stage("test", "failed" if ran.failed else "passed", ran.summary, tuple(ran.faults))


def _plan(cli: Cli, tree: FolderTree) -> tuple[Stage, Plan]:
    from gurucli.plan_page import summary
    from gurucli.planning import plan_folder

    plan = plan_folder(cli.server, tree)
    faults = (*plan["faults"], *guard_lines(plan["guards"]))
    failed = any(fault["severity"] == "error" for fault in plan["faults"])
    verdict = "failed" if failed else "refused" if plan["guards"] else "passed"
    return Stage("plan", verdict, summary(plan), faults), plan  # type: ignore[arg-type]  # one of its words
