"""The columns of an API key, shared by the verbs about them."""

from __future__ import annotations

from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row


def state(row: Row, paper: Paper) -> Cell:
    """Usable, expired or revoked."""
    expires = row.get("expires_at")
    if row.get("revoked"):
        return Cell(paper.marked("revoked", "bad"), "bad")
    if isinstance(expires, int) and expires / 1000 <= paper.now:
        return Cell(paper.marked("expired", "off"), "off")
    return Cell(paper.marked("usable", "good"), "good")


COLUMNS = (
    Column("id", keep=True), Column("name", keep=True), Column("revoked", "STATE", state), Column("scope"),
    Column("verbs"), Column("addresses"), Column("role", wide=True), Column("expires_at", "EXPIRES", time=True),
    Column("last_used_at", "USED", time=True), Column("created_at", "MADE", time=True, wide=True),
    Column("created_by", "BY", wide=True),
)
