"""`guru approval show`: one act that waits, with exactly what was asked. Nothing is decided."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers_rights import ApprovalDetail
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.approval.columns import COLUMNS, page
from gurucli.paper import Paper
from gurucli.parameters import ApprovalRef
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru approval show 3f9a2c11d0e4", "what would run, on which devices"),
    ("guru approval show 3f9a2c11d0e4 -o jsonpath=.body", "the request itself"),
)


def run(
    ctx: typer.Context,
    approval: ApprovalRef,
) -> None:
    """Show an act that needs a second person."""
    cli: Cli = ctx.obj
    found = cli.server.get(ApprovalDetail, f"/approvals/{part(approval)}")
    cli.out.result(record(found, COLUMNS, lambda paper: list(_page(found, paper)), name="id"))


def _page(found: ApprovalDetail, paper: Paper) -> Iterator[str]:
    yield from page(found, paper)
    for target in found["targets"]:
        yield f"  - {clean(target)}"
    query = f"?{found['query']}" if found["query"] else ""
    yield paper.paint(f"  {clean(found['method'])} {clean(found['path'] + query)}", "dim")
    if found["body"]:
        yield f"  {clean(found['body'])}"
