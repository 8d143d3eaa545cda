"""`guru revision list`: the commits the server saw, newest first."""

from __future__ import annotations

from itertools import islice
from typing import cast

import typer

from gurucli.blocks import short
from gurucli.cli import Cli
from gurucli.paper import Cell, Paper
from gurucli.parameters import LimitOption
from gurucli.sheet import Column, Row, Sheet, plain


def _revision(row: Row, paper: Paper) -> Cell:
    return Cell(short(row.get("revision")), "accent")


def _outcome(row: Row, paper: Paper) -> Cell:
    return paper.status(plain(row.get("outcome")))


COLUMNS = (
    Column("revision", show=_revision, keep=True), Column("outcome", show=_outcome, keep=True),
    Column("seen_at", "SEEN", time=True), Column("devices_changed", "DEVICES", right=True), Column("author"),
    Column("subject"), Column("reason"), Column("signer", wide=True), Column("parent", wide=True),
    Column("finished_at", wide=True, time=True),
    Column("faults", wide=True),
)
EXAMPLES = (
    ("guru revision list", "the newest twenty"),
    ("guru revision list --limit 0 -o ndjson", "all of them, one a line"),
)


def run(ctx: typer.Context, limit: LimitOption = 20) -> None:
    """List the commits that the server saw, and how far each one got.

    A commit that is refused changes nothing: the last good revision stays in force. One that is partly-held
    is in force for every customer whose own files are without fault.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/revisions", limit=limit)
    rows = islice((cast("Row", row) for page in pages for row in page["items"]), limit or None)
    cli.out.result(Sheet(rows, COLUMNS, name="revision", empty="the server has seen no commit yet"))
