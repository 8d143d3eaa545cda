"""Writes docs/tables.md from the tables that agents serve. It invents nothing."""

from __future__ import annotations

from guru_policy.query import TABLES, Table

HEAD = """# Tables for SQL

Written by `make docs` from `policies/guru_policy/query`. What a query on a device can read, in SQL as SQLite speaks it:

```sh
guru query "select name, pid, rss from processes where rss > 1e9 order by rss desc" -l site=hq
guru query "select p.name, l.port from listening_ports l join processes p using (pid) where l.port > 0" web01
guru query "select path, size, mtime from files where path glob '/var/log/*.log' order by size desc limit 10" web01
guru query "select common_name, path, days_left from certificates where days_left < 30" -o csv > certificates.csv
guru query "select version from kernel" --reduce "select version, count(*) as n from rows group by version"
```

`guru query` asks one device, those of a selector, or all; devices that are away or fail are named, and it ends with 6.
`--reduce` asks the table `rows` of all answers, which have `device`, `customer` and `site` besides. On a device itself,
`guru-agent query "select ..."` answers the same without a server.

Names of tables and columns are osquery's where it has the same thing. A query only looks: nothing but SELECT is taken,
and each runs in a process of its own with bounds on time, memory, rows and bytes. Tables are made while they are read,
and only what the query reads is looked up. What the agent's user may not see is NULL, or told in a note.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(table) for table in TABLES)])


def _section(table: Table) -> str:
    lines = [f"## {table.name}", "", f"{table.about} On {', '.join(table.platforms)}."]
    if table.narrowed:
        names = ", ".join(f"`{name}`" for name in table.narrowed)
        lines += ["", f"Quick when the query gives {names}."]
    lines += ["", "| column | type | holds |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.type} | {column.about} |" for column in table.columns]
    return "\n".join([*lines, ""])
