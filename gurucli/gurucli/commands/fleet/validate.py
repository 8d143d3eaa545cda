"""`guru validate`: every fault of a fleet repository, offline. It asks no server and writes only reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from guru_policy.faults import Fault
from gurucli.answers import FaultLine
from gurucli.blocks import fault_lines
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.human import plural
from gurucli.paper import Paper, Tone
from gurucli.parameters import PathArgument, SinceOption
from gurucli.sheet import Column, Sheet

REPORTS = True
FAULTS = 50                             # on a page without -o wide
COLUMNS = (
    Column("path", keep=True), Column("line", right=True), Column("column", right=True), Column("severity"),
    Column("message"), Column("hint"),
)
EXAMPLES = (
    ("guru validate", "the repository around this folder"),
    ("guru validate examples/small", "another one"),
    ("guru validate --since origin/main", "only what this change brings, for a pull request or a hook"),
    ("guru validate -o junit=report.xml -o sarif=report.sarif", "in CI: reports beside the list"),
    ("guru validate -o github=-", "annotations on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    since: SinceOption = "",
) -> int:
    """Check a fleet repository, offline, and name every fault.

    All faults come at once, each with file, line, column and what to do. Ends with 10 when there is an
    error; warnings fail nothing. With --since only new faults count: a fault is an old one when the commit has
    the same one in the same file, whatever its line. `-o junit=FILE`, sarif, github, gitlab and markdown write
    reports, as many as you like; - is stdout.
    """
    cli: Cli = ctx.obj
    from guru_policy.loading import ParseCache, load
    from gurucli.folder_tree import FolderTree, find_root
    from gurucli.reports import write_reports

    tree = FolderTree(Path(path) if path else find_root(Path.cwd()))
    cache = ParseCache()
    fleet = load(tree, cache)
    found = fleet.faults
    if since:
        from gurucli.commit_tree import CommitTree

        found = new_faults(load(CommitTree(tree.root, since), cache).faults, found)
    faults = [as_line(fault) for fault in found]
    older = len(fleet.faults) - len(faults)
    errors = sum(fault["severity"] == "error" for fault in faults)
    printed = write_reports(cli.reports, faults)
    if printed:
        cli.out.lines(printed)
    else:
        document = {"valid": not errors, "objects": len(fleet.objects), "faults": faults, "older": older}
        cli.out.result(Sheet(faults, COLUMNS, document=document, name=_place,
                             draw=lambda paper: _page(faults, len(fleet.objects), paper,
                                                      most=len(faults) if cli.out.kind == "wide" else FAULTS)))
    if cli.out.kind != "table" or printed:
        cli.out.note(_summary(faults, len(fleet.objects)))
    if older:
        cli.out.note(f"{plural(older, 'fault')} of {since} not counted")
    return Exit.invalid if errors else Exit.done


def new_faults(old: Sequence[Fault], new: Sequence[Fault]) -> tuple[Fault, ...]:
    """The faults that `old` has not: as often as they are there more often, in their order."""
    left = Counter((fault.origin.path, fault.message, fault.severity) for fault in old)
    found = []
    for fault in new:
        same = (fault.origin.path, fault.message, fault.severity)
        if left[same]:
            left[same] -= 1
        else:
            found.append(fault)
    return tuple(found)


def as_line(fault: Fault) -> FaultLine:
    """A fault as the API carries it."""
    return {
        "path": fault.origin.path, "line": fault.origin.line, "column": fault.origin.column,
        "message": fault.message, "hint": fault.hint,
        "severity": "warning" if fault.severity == "warning" else "error",
    }


def _place(row: object) -> str:
    from gurucli.blocks import place

    return place(row)  # type: ignore[arg-type]  # rows of this sheet are FaultLines


def _page(faults: Sequence[FaultLine], objects: int, paper: Paper, most: int) -> Iterator[str]:
    yield from fault_lines(faults, paper, by=0, most=most)
    if faults:
        yield ""
    errors = any(fault["severity"] == "error" for fault in faults)
    tone: Tone = "bad" if errors else "warn" if faults else "good"
    yield paper.paint(paper.marked(_summary(faults, objects), tone), tone)


def _summary(faults: Sequence[FaultLine], objects: int) -> str:
    errors = sum(fault["severity"] == "error" for fault in faults)
    warnings = len(faults) - errors
    found = [plural(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count]
    return f"{plural(objects, 'object')}, {' and '.join(found) if found else 'no faults'}"
