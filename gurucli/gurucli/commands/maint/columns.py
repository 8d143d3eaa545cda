"""The columns of a window opened by hand, shared by the verbs about them."""

from __future__ import annotations

from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row


def state(row: Row, paper: Paper) -> Cell:
    """Open or closed."""
    return paper.status("open" if row.get("open") else "closed")


COLUMNS = (
    Column("id", "ID", keep=True), Column("open", "STATE", show=state, keep=True), Column("selector"),
    Column("ends_at", "CLOSES", time=True), Column("started_by", "BY"), Column("reason"),
    Column("started_at", wide=True, time=True), Column("ended_at", wide=True, time=True), Column("ended_by", wide=True),
)
