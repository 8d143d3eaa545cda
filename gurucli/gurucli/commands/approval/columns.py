"""The columns of an approval, and its page, shared by the verbs about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from gurucli.answers_rights import ApprovalRow
from gurucli.clean import clean
from gurucli.human import plural, span
from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Row

TONES: Mapping[str, Tone] = {
    "pending": "warn", "approved": "good", "granted": "good", "failed": "bad", "denied": "off", "revoked": "off",
    "expired": "off",
}


def state(row: Row, paper: Paper) -> Cell:
    """The state in its colour."""
    said = clean(str(row.get("state", "")))
    tone = TONES.get(said, "warn")
    return Cell(paper.marked(said, tone), tone)


COLUMNS = (
    Column("id", keep=True), Column("state", "", state), Column("actor"), Column("about"),
    Column("devices", right=True), Column("created_at", "ASKED", time=True), Column("decided_by", "BY"),
    Column("verb", wide=True), Column("role", wide=True), Column("ticket", wide=True), Column("why", wide=True),
    Column("status", wide=True, right=True), Column("expires_at", "EXPIRES", time=True, wide=True),
)


def page(row: ApprovalRow, paper: Paper) -> Iterator[str]:
    """One of them, for people."""
    cell = state(cast("Row", row), paper)
    yield f"{clean(row['id'])}  {paper.paint(cell.text, cell.tone)}  {clean(row['actor'])}: {clean(row['about'])}"
    who = f"somebody with the role {row['role']}" if row["role"] else "somebody else who may do it"
    if row["state"] == "pending":
        left = span(max(0.0, row["expires_at"] / 1000 - paper.now))
        many = plural(row["devices"], "device")
        yield f"  it is {clean(row['verb'])} on {many} and waits for {clean(who)}, {left} more"
    elif row["decided_by"]:
        why = f": {clean(row['why'])}" if row["why"] else ""
        yield f"  {clean(row['state'])} by {clean(row['decided_by'])}{why}"
    if row["status"]:
        yield f"  it ran, and the server answered {row['status']}"
    if row["state"] == "failed":
        yield paper.paint(f"  {clean(row['answer'][:300])}", "bad")
