"""The columns of a passkey, shared by the verbs about them."""

from __future__ import annotations

from gurucli.sheet import Column

COLUMNS = (
    Column("id", "PASSKEY", keep=True), Column("label"), Column("created_at", "SINCE", time=True),
    Column("used_at", "USED", time=True),
)
