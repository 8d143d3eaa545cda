"""The columns of an override, shared by the verbs about them."""

from __future__ import annotations

from gurucli.clean import clean, shorten
from gurucli.human import ago
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, plain
from gurucli.yaml_value import value

VALUE = 40                              # columns of a value in a table


def what(row: Row, paper: Paper) -> Cell:
    """The value as it would be written, or that it takes away."""
    said = row.get("value")
    if isinstance(said, dict) and said.get("$remove") is True:
        return Cell("removed", "warn")
    return Cell(shorten(value(said), VALUE, paper.ellipsis))


def state(row: Row, paper: Paper) -> Cell:
    """How long it lasts, or how and when it ended; in doubt why the device goes without it."""
    ended, expires = row.get("ended_at"), row.get("expires_at")
    if isinstance(ended, int):
        return Cell(paper.marked(f"{plain(row.get('ending'))} {ago(ended, paper.now)} ago", "off"), "off")
    if row.get("unfit"):
        return Cell(paper.marked("does not fit", "bad"), "bad")
    left = ago(expires, paper.now) if isinstance(expires, int) else "-"
    return Cell(paper.marked(f"ends {left}", "warn"), "warn")


def full_name(row: Row) -> str:
    """`customer/site/name` of the device."""
    return "/".join(clean(plain(row.get(key))) for key in ("customer", "site", "name"))


COLUMNS = (
    Column("id", "ID", wide=True), Column("name", "DEVICE", keep=True), Column("customer"), Column("site", wide=True),
    Column("path", keep=True), Column("value", show=what),
    Column("ending", "STATE", show=state, keep=True), Column("actor", "BY"), Column("reason"),
    Column("expires_at", "EXPIRES", time=True, wide=True), Column("set_at", "SET", time=True, wide=True),
    Column("ended_at", "ENDED", time=True, wide=True), Column("unfit", wide=True), Column("device", wide=True),
)
