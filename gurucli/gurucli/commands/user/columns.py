"""The columns of somebody who signs in."""

from __future__ import annotations

from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Row, plain

_TONES: dict[str, Tone] = {"active": "good", "invited": "busy", "locked": "bad", "disabled": "off", "left": "off"}


def _state(row: Row, paper: Paper) -> Cell:
    word = plain(row.get("state"))
    tone = _TONES.get(word, "")
    return Cell(paper.marked(word, tone), tone)


COLUMNS = (
    Column("name", keep=True), Column("state", show=_state), Column("groups"), Column("role"), Column("provider"),
    Column("second_factor"), Column("sessions", right=True), Column("known", wide=True), Column("locked", wide=True),
    Column("created_at", wide=True, time=True),
)
