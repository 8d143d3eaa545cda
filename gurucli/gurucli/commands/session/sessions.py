"""The columns of a session, shared by the verbs about them."""

from __future__ import annotations

from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row


def _here(row: Row, paper: Paper) -> Cell:
    return Cell(paper.marked("this one", "good"), "good") if row.get("current") else Cell("")


COLUMNS = (
    Column("id", "SESSION", keep=True), Column("name"), Column("current", "", show=_here), Column("client"),
    Column("address"), Column("method"), Column("turned_at", "USED", time=True),
    Column("mfa_at", "SECOND FACTOR", time=True), Column("created_at", "SINCE", time=True),
    Column("expires_at", "ENDS", time=True),
)
