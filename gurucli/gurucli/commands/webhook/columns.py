"""The columns of webhooks and their deliveries, shared by the verbs about them."""

from __future__ import annotations

from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Row, plain

_TONES: dict[str, Tone] = {
    "ok": "good", "new": "off", "failing": "warn", "disabled": "bad", "delivered": "good", "waiting": "busy",
    "failed": "bad",
}


def state(row: Row, paper: Paper) -> Cell:
    """The state with its glyph."""
    word = plain(row.get("state"))
    tone = _TONES.get(word, "")
    return Cell(paper.marked(word, tone), tone)


HOOKS = (
    Column("hook", keep=True), Column("state", "STATE", state), Column("host"), Column("events"),
    Column("waiting", right=True), Column("last_ok_at", "TOOK", time=True), Column("error"),
    Column("customer", wide=True), Column("selector", wide=True), Column("signed", wide=True),
    Column("failing_since", wide=True, time=True), Column("disabled_at", wide=True, time=True),
    Column("next_try_at", wide=True, time=True),
)
DELIVERIES = (
    Column("id", keep=True), Column("hook"), Column("type"), Column("state", "STATE", state),
    Column("status", right=True), Column("attempts", "TRIES", right=True), Column("created_at", "AGE", time=True),
    Column("why"), Column("event", wide=True), Column("finished_at", wide=True, time=True),
)
