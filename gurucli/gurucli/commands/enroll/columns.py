"""The columns of an enrolment token, shared by the verbs about them."""

from __future__ import annotations

from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row


def state(row: Row, paper: Paper) -> Cell:
    """Usable, used up, expired or revoked."""
    expires, uses, used = row.get("expires_at"), row.get("uses"), row.get("used")
    if row.get("revoked"):
        return Cell(paper.marked("revoked", "bad"), "bad")
    if isinstance(expires, int) and expires / 1000 <= paper.now:
        return Cell(paper.marked("expired", "off"), "off")
    if isinstance(uses, int) and isinstance(used, int) and used >= uses:
        return Cell(paper.marked("used up", "off"), "off")
    return Cell(paper.marked("usable", "good"), "good")


def used(row: Row, paper: Paper) -> Cell:
    """How many of its uses are gone."""
    return Cell(f"{row.get('used')}/{row.get('uses')}")


COLUMNS = (
    Column("id", "ID", keep=True), Column("customer"), Column("site"),
    Column("revoked", "STATE", show=state, keep=True),
    Column("used", show=used, right=True), Column("expires_at", "EXPIRES", time=True),
    Column("created_at", "CREATED", time=True), Column("created_by", "BY"), Column("uses", wide=True),
)
