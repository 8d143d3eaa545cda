"""`guru schema`: JSON Schemas of everything a fleet repository may hold, for editors. It asks no server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import GuruError
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("kind"), Column("file", keep=True), Column("modeline", keep=True))
EXAMPLES = (
    ("guru schema --out .guru/schema", "write them, and print the line for the top of a YAML file"),
    ("guru schema -o 'jsonpath=$.items[*].kind'", "only which there are"),
)


def run(
    ctx: typer.Context,
    out: Annotated[str, typer.Option(
        "--out", metavar="DIR", show_default=False, help="Write one file a kind, and guru.schema.json for all.")] = "",
) -> None:
    """Write JSON Schemas of every kind, as editors look for them.

    Draft 2020-12, made from the models that validate. Put the printed line at the top of a YAML file, with
    the way from that file to the schema; guru.schema.json serves documents of every kind.
    """
    cli: Cli = ctx.obj
    from guru_policy.schema.generating import ALL, schemas

    found = schemas()
    rows = [
        {
            "kind": "every kind" if kind == ALL else kind,
            "file": str(Path(out or ".") / f"{kind}.schema.json"),
            "modeline": f"# yaml-language-server: $schema={Path(out or '.') / f'{kind}.schema.json'}",
        }
        for kind in sorted(found, key=lambda kind: (kind != ALL, kind))
    ]
    if out:
        _write(Path(out), {kind: json.dumps(schema, indent=2) + "\n" for kind, schema in found.items()})
        cli.out.note(f"{len(found)} schemas are in {clean(out)}")
    cli.out.result(Sheet(rows, COLUMNS, name="kind", draw=lambda paper: _page(rows, bool(out), paper)))
    if not out:
        cli.out.note("nothing was written; `guru schema --out .guru/schema` writes them")


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, text in files.items():
            (folder / f"{kind}.schema.json").write_text(text, encoding="utf-8")
    except OSError as cause:
        raise GuruError(f"the schemas cannot be written to {folder}: {cause.strerror}",
                        hint="name another folder with --out") from cause


def _page(rows: list[dict[str, str]], written: bool, paper: Paper) -> Iterator[str]:
    yield paper.paint(rows[0]["modeline"], "title")
    yield ""
    verb = "written" if written else "there are"
    yield f"{verb}: {', '.join(clean(row['kind']) for row in rows)}"
