"""The columns of rights for a while, and their page, shared by the verbs about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, cast

import typer

from gurucli.answers_rights import GrantRow
from gurucli.clean import clean
from gurucli.commands.approval.columns import state
from gurucli.human import span
from gurucli.paper import Paper
from gurucli.sheet import Column, Row

COLUMNS = (
    Column("id", keep=True), Column("state", "", state), Column("name", "USER"), Column("role"), Column("verb"),
    Column("scope"), Column("expires_at", "ENDS", time=True), Column("decided_by", "BY"), Column("reason"),
    Column("kind", wide=True), Column("selector", wide=True), Column("seconds", wide=True, right=True),
    Column("ticket", wide=True), Column("why", wide=True), Column("reviewed_by", wide=True),
    Column("created_at", "ASKED", time=True, wide=True),
)
RequestId = Annotated[str, typer.Argument(
    metavar="ID", help="As `guru access list` shows it.", show_default=False)]
WhyOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.")]


def page(row: GrantRow, paper: Paper) -> Iterator[str]:
    """One of them, for people."""
    cell = state(cast("Row", row), paper)
    what = f"{row['role'] or row['verb']} in {row['scope']}" + (f" on {row['selector']}" if row["selector"] else "")
    yield f"{clean(row['id'])}  {paper.paint(cell.text, cell.tone)}  {clean(row['name'])}: {clean(what)}"
    left = span(max(0.0, row["expires_at"] / 1000 - paper.now))
    if row["state"] == "pending":
        yield f"  for {span(row['seconds'])}; somebody else: guru access approve {clean(row['id'])}"
    elif row["state"] == "granted":
        yield f"  for {left} more; to end it: guru access revoke {clean(row['id'])}"
    if row["kind"] == "break-glass" and not row["reviewed_by"]:
        yield paper.paint(f"  somebody else has to review it: guru access review {clean(row['id'])}", "warn")
