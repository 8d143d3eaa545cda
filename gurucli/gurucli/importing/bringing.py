"""An import from its files to the end: compared, checked, shown, and written when that was asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import Conflict
from gurucli.answers import FaultLine
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.importing.drafts import Unmapped, listed
from gurucli.importing.merging import Merge, Row, merged
from gurucli.importing.repository import contents_of, refuse_new_faults, tree_at, write
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("state"), Column("kind"), Column("name", keep=True), Column("path"),
    Column("source", wide=True), Column("reason"),
)
FolderOption = Annotated[str, typer.Option(
    "-d", "--dir", metavar="DIR", show_default=False,
    help="The fleet repository; without it the one around the current folder.")]
WriteOption = Annotated[bool, typer.Option(
    "--write", help="Write what is new; without it, it is only shown.", show_default=False)]
OverwriteOption = Annotated[bool, typer.Option(
    "--overwrite", help="Where both have an object and they differ, take the other one; comments stay.",
    show_default=False)]
_PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?")
MOST = 200                              # rows of a Markdown page


def root_of(folder: str) -> Path:
    """The repository to import into."""
    from gurucli.folder_tree import find_root

    return Path(folder) if folder else find_root(Path.cwd())


def bring(
    cli: Cli, root: Path, files: Mapping[str, bytes], sources: Mapping[str, str], unmapped: Sequence[Unmapped] = (),
    *, writing: bool, overwrite: bool, executables: Collection[str] = (),
) -> None:
    """Show what the files would bring; with `writing`, write it.

    Conflict when something differs and `overwrite` is not given, PolicyInvalid when the repository would get a
    fault: then nothing is written.
    """
    tree = tree_at(root)
    merge = merged(contents_of(tree, files.keys()), files, sources, overwrite=overwrite)
    refuse_new_faults(tree, merge.writes)
    written = writing and not merge.conflicts and bool(merge.writes)
    if written:
        write(root, merge.writes, executables)
    _show(cli, merge, unmapped, written=written)
    if merge.conflicts:
        named = listed(f"{row.kind} {row.name}".strip() or row.path for row in merge.conflicts)
        raise Conflict(f"{plural(len(merge.conflicts), 'object')} here and there differ: {named}; nothing was written",
                       hint="keep yours and take them out of the other one, or --overwrite")
    cli.out.note(_told(merge, unmapped, root, written=written))


def _show(cli: Cli, merge: Merge, unmapped: Sequence[Unmapped], *, written: bool) -> None:
    from gurucli.reports import write_reports

    rows = [*map(_row, merge.rows), *map(_unmapped, unmapped)]
    counts = dict(sorted(Counter(str(row["state"]) for row in rows).items()))
    document = {"written": written, "counts": counts, "items": rows, "total": len(rows)}
    faults = [_fault(one) for one in unmapped]
    printed = write_reports(cli.reports, faults, markdown(rows, counts) if cli.reports else "")
    if printed:
        cli.out.lines(printed)
        return
    shown = [row for row in rows if row["state"] != "same"] if cli.out.kind == "table" else rows
    cli.out.result(Sheet(shown, COLUMNS, document=document))


def _row(row: Row) -> dict[str, object]:
    return {**row._asdict(), "name": row.name or row.path}


def _unmapped(one: Unmapped) -> dict[str, object]:
    return {"state": "not-imported", "kind": "", "name": one.what, "path": "", "source": one.source,
            "reason": one.reason}


def _fault(one: Unmapped) -> FaultLine:
    place = _PLACE.fullmatch(one.source)
    return {"path": place["path"] if place else one.source, "line": int(place["line"]) if place else 0, "column": 0,
            "message": f"{one.what} is not imported: {one.reason}", "hint": "", "severity": "warning"}


def markdown(rows: Sequence[Mapping[str, object]], counts: Mapping[str, int]) -> str:
    """The import as a page: what came, and what did not and why."""
    from gurucli.reports.markdown import code, text

    lines = ["### guru import: " + (", ".join(f"{count:,} {state}" for state, count in counts.items()) or "nothing")]
    for title, states in (("What comes", ("added", "replaced")), ("What differs", ("differs",)),
                          ("What does not come", ("left", "not-imported"))):
        chosen = [row for row in rows if row["state"] in states]
        if not chosen:
            continue
        lines += ["", f"#### {title}", "", "| what | where from | file | why |", "|---|---|---|---|"]
        for row in chosen[:MOST]:
            what, source, path, why = (str(row[key]) for key in ("name", "source", "path", "reason"))
            named = f"{row['kind']} {what}".strip()
            lines.append(f"| {text(named)} | {text(source)} | {code(path) if path else ''} | {text(why)} |")
        if len(chosen) > MOST:
            lines += ["", f"and {len(chosen) - MOST:,} more; `-o json` has them all"]
    return "\n".join(lines)


def _told(merge: Merge, unmapped: Sequence[Unmapped], root: Path, *, written: bool) -> str:
    states = Counter[str](row.state for row in merge.rows)
    parts = [f"{states[state]:,} {word}" for state, word in (
        ("added", "new"), ("replaced", "replaced"), ("same", "the same"), ("left", "left")) if states[state]]
    parts += [f"{len(unmapped):,} not imported"] if unmapped else []
    said = ", ".join(parts) or "nothing to import"
    if not merge.writes:
        return f"{said}: there is nothing to write"
    files = plural(len(merge.writes), "file")
    return f"{said}: {files} written in {root}" if written else f"{said}: --write writes {files} in {root}"
