"""`guru fmt`: the YAML of a fleet repository in one form. It never changes what a file says, nor a comment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import GuruError, InputInvalid
from gurucli.answers import FaultLine
from gurucli.cli import Cli
from gurucli.commands.fleet.validate import as_line
from gurucli.folder_tree import FolderTree, find_root
from gurucli.human import plural
from gurucli.parameters import PathArgument
from gurucli.sheet import Column, Sheet

REPORTS = True
COLUMNS = (Column("path", keep=True), Column("state"), Column("message"))
EXAMPLES = (
    ("guru fmt", "every YAML file of the repository around this folder"),
    ("guru fmt --check", "in CI or before a commit: name what is not in form, change nothing"),
    ("guru fmt examples/small --check -o github=-", "annotations on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    check: Annotated[bool, typer.Option(
        "--check", help="Change nothing; end with 10 when a file is not in form.", show_default=False)] = False,
) -> None:
    """Bring the YAML of a repository into one form, comments kept.

    apiVersion, kind, metadata and spec come in this order, maps are indented by two and lists by four, lines
    end with a newline only. Meaning and comments stay: a file in which one of them would change, or that is
    faulty, is left alone and named. Workflow files and everything else that holds no objects is not touched.
    """
    cli: Cli = ctx.obj
    from gurucli.formatting import formatted, is_ours
    from gurucli.reports import write_reports

    tree = FolderTree(Path(path) if path else find_root(Path.cwd()))
    rows: list[dict[str, object]] = []
    faults: list[FaultLine] = []
    seen = 0
    for entry in tree.entries():
        if entry.kind != "file" or not entry.path.endswith((".yaml", ".yml")):
            continue
        data = tree.read(entry)
        if not is_ours(entry.path, data):
            continue
        seen += 1
        found = formatted(entry.path, data)
        faults += [as_line(fault) for fault in found.faults]
        if found.faults:
            rows.append({"path": entry.path, "state": "left", "message": found.faults[0].message})
        elif found.text.encode() != data:
            rows.append({"path": entry.path, "state": "unformatted" if check else "formatted", "message": ""})
            if check:
                faults.append(_not_in_form(entry.path))
            else:
                _write(tree.root / entry.path, found.text)
    printed = write_reports(cli.reports, faults)
    if printed:
        cli.out.lines(printed)
    else:
        cli.out.result(Sheet(rows, COLUMNS, name="path"))
    _end(cli, rows, seen)


def _end(cli: Cli, rows: list[dict[str, object]], seen: int) -> None:
    """Say how it went; InputInvalid when something is not in form, or cannot be brought into it."""
    counts = {state: sum(row["state"] == state for row in rows) for state in ("formatted", "unformatted", "left")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    if counts["unformatted"] or counts["left"]:
        hint = "guru fmt" if counts["unformatted"] else "`guru validate` says more"
        raise InputInvalid(f"{plural(seen, 'file')}: {told}", hint=hint)
    cli.out.note(f"{plural(seen, 'file')}, {told or 'all in form'}")


def _not_in_form(path: str) -> FaultLine:
    return {"path": path, "line": 0, "column": 0, "message": "the file is not in form", "hint": "guru fmt",
            "severity": "error"}


def _write(target: Path, text: str) -> None:
    """The new text in place of the old one, whole or not at all."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        fresh.write_bytes(text.encode())
        shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError as cause:
        fresh.unlink(missing_ok=True)
        raise GuruError(f"{target} cannot be written: {cause.strerror}") from cause
