"""`guru audit export`: the whole log with its hashes and checkpoints, so that it can be verified anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import typer

from gurucli.auditing import stream
from gurucli.cli import Cli
from gurucli.commands.audit import columns
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("type"), Column("seq", right=True, keep=True), *(one for one in columns.COLUMNS if one.key != "seq"),
    Column("key", wide=True), Column("signature", wide=True), Column("entry", wide=True),
)
EXAMPLES = (
    ("guru audit export -o ndjson > audit.ndjson", "for an archive"),
    ("guru audit export -o csv > audit.csv", "for a table; its last column is the row as it was hashed"),
)


def run(ctx: typer.Context) -> None:
    """Write the whole audit log, oldest first, with all that proves it.

    Keep the file and what an anchor says: `guru audit verify --file FILE --anchor FILE` needs no server.
    """
    cli: Cli = ctx.obj
    whole = cli.out.kind in ("csv", "tsv")
    cli.out.result(Sheet(_rows(cli, whole), COLUMNS, name=lambda row: f"{row['type']}:{row['seq']}",
                         empty="the log is empty"))


def _rows(cli: Cli, whole: bool) -> Iterator[dict[str, object]]:
    """The rows; `whole` ones hold themselves as JSON, since a table's text is not always what was hashed."""
    for row in stream(cli.server):
        yield {**row, "entry": json.dumps(row)} if whole else row
