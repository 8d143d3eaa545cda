"""The overrides of a plan: what a change does not reach, and until when. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers import Plan
from gurucli.answers_planning import OverrideRow, PlannedOverride
from gurucli.blocks import heading
from gurucli.clean import clean, shorten
from gurucli.human import ago, plural
from gurucli.paper import Paper
from gurucli.sheet import Row
from gurucli.yaml_value import value

ROWS = 10                               # on a page without -o wide
FIELDS = 5                              # that one override hides
VALUE = 40                              # columns of one value


def told(count: int) -> str:
    """`2 overrides in force`."""
    return f"{plural(count, 'override')} in force"


def override_lines(plan: Plan, paper: Paper, *, everything: bool = False) -> Iterator[str]:
    """A line each, with what it hides of the change, or why the change ends it."""
    rows = plan["overrides"]
    if not rows:
        return
    yield from heading("Overrides in force", paper)
    shown = rows if everything else rows[:ROWS]
    for row in shown:
        who, why = paper.paint(paper.marked(_who(row), "warn"), "warn"), paper.paint(_why(row, paper), "dim")
        yield f"  {who}  {_what(row, paper, everything)}  {why}"
        if row["unfit"]:
            yield f"      {paper.paint(paper.marked('would not fit: ' + clean(row['unfit']), 'bad'), 'bad')}"
        yield from _masks(row, paper, everything)
    if plan["overridden"] > len(shown):
        more = plan["overridden"] - len(shown)
        yield paper.paint(f"  and {more:,} more; `guru override list` shows them", "dim")


def override_rows(rows: Sequence[PlannedOverride]) -> list[Row]:
    """One flat row an override, and one for each field that it hides."""
    found: list[Row] = []
    for row in rows:
        head: dict[str, object] = {
            "what": "override", "kind": "Override", "scope": f"{row['customer']}/{row['site']}", "name": row["name"],
            "id": row["device"],
        }
        why = f"{row['actor']}: {row['reason']}"
        found.append(head | {"action": "unfit" if row["unfit"] else "keep", "field": row["path"],
                             "after": row["value"], "why": row["unfit"] or why})
        found += [head | {"action": "mask", "field": field["path"], "before": field["before"],
                          "after": field["after"], "why": field["why"]} for field in row["masks"]]
    return found


def value_told(row: OverrideRow) -> str:
    """`checks.disk.warning = 80%`, or that it is taken away."""
    said = row["value"]
    if isinstance(said, dict) and said.get("$remove") is True:
        return f"{clean(row['path'])} taken away"
    return f"{clean(row['path'])} = {value(said)}"


def _who(row: OverrideRow) -> str:
    return f"{clean(row['customer'])}/{clean(row['site'])}/{clean(row['name'])}"


def _what(row: OverrideRow, paper: Paper, everything: bool) -> str:
    text = value_told(row)
    return text if everything else shorten(text, len(clean(row["path"])) + VALUE, paper.ellipsis)


def _why(row: OverrideRow, paper: Paper) -> str:
    return f"{clean(row['actor'])}, ends {ago(row['expires_at'], paper.now)}: {clean(row['reason'])}"


def _masks(row: PlannedOverride, paper: Paper, everything: bool) -> Iterator[str]:
    fields = row["masks"] if everything else row["masks"][:FIELDS]
    for field in fields:
        before = "nothing" if field["from_absent"] else shorten(value(field["before"]), VALUE, paper.ellipsis)
        after = "nothing" if field["to_absent"] else shorten(value(field["after"]), VALUE, paper.ellipsis)
        why = f"  {paper.paint(clean(field['why']), 'dim')}" if field["why"] else ""
        yield f"      hides {clean(field['path'])}  {before} {paper.arrow} {after}{why}"
    if len(fields) < len(row["masks"]):
        yield paper.paint(f"      and {plural(len(row['masks']) - len(fields), 'field')} more", "dim")
