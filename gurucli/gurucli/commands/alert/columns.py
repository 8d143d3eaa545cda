"""The columns of an alert, shared by the verbs about them."""

from __future__ import annotations

from gurucli.clean import clean
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, plain

SHORT = 8                               # digits of an id that people type


def state(row: Row, paper: Paper) -> Cell:
    """Firing, and who has it or what mutes it."""
    word = plain(row.get("state"))
    if word == "firing" and row.get("acked_by"):
        return paper.status("taken up", f"by {plain(row.get('acked_by'))}")
    if word == "firing" and row.get("muted_by"):
        return paper.status("muted", f"by {plain(row.get('muted_by'))}")
    return paper.status(word)


def short_id(row: Row, paper: Paper) -> Cell:
    """Enough of the id for `guru alert ack`."""
    return Cell(clean(plain(row.get("id")))[:SHORT])


def _place(row: Row, paper: Paper) -> Cell:
    return Cell(f"{plain(row.get('customer'))}/{plain(row.get('site'))}")


COLUMNS = (
    Column("state", show=state, keep=True), Column("severity"), Column("device_name", "DEVICE", keep=True),
    Column("customer", "PLACE", show=_place), Column("site", wide=True), Column("check"), Column("rule", wide=True),
    Column("started_at", "SINCE", time=True), Column("fired_at", wide=True, time=True),
    Column("resolved_at", wide=True, time=True), Column("check_state", wide=True), Column("summary"),
    Column("id", "ID", show=short_id, keep=True), Column("device", "DEVICE ID", wide=True),
    Column("acked_by", "TAKEN UP BY", wide=True), Column("acked_at", wide=True, time=True),
    Column("acked_until", wide=True, time=True), Column("ack_note", wide=True), Column("muted_by", wide=True),
    Column("reason", wide=True),
)
