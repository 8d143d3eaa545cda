"""What was meant by a name that SQLite does not find. It knows the tables and no SQL."""

from __future__ import annotations

import re

from guru_policy.query.catalogue import BY_NAME

_MISSING = re.compile(r"no such (table|column): (?:\w+\.)?(\w+)")


def hint_for(message: str, sql: str) -> str:
    """A hint for SQLite's `no such table` and `no such column`; empty for anything else."""
    found = _MISSING.search(message)
    if found is None:
        return ""
    from guru_policy.text.suggesting import did_you_mean  # only faults pay for what it imports

    if found[1] == "table":
        return did_you_mean(found[2], BY_NAME) or "`guru query --tables` lists them"
    words = set(re.findall(r"\w+", sql.lower()))
    named = [table for table in BY_NAME.values() if table.name in words]
    return did_you_mean(found[2], [column.name for table in named for column in table.columns])
