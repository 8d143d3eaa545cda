"""A plan as a comment on a pull request, never longer than a forge takes. Pure text; nothing in it becomes markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers import FieldChange, Plan
from gurucli.clean import shorten
from gurucli.plan_page import summary, value
from gurucli.reports.markdown import code, faults_markdown, text

MOST = 60_000                           # characters: GitHub and Gitea take 65,536
ROWS = 50                               # of one table
FIELDS = 8                              # of one object or device
VALUE = 80                              # columns of one value
_SIGNS = {"create": "+", "change": "~", "delete": "-", "rename": ">"}


def plan_markdown(plan: Plan, most: int = MOST) -> str:
    """One line when nothing changes. Else guards and faults first, then whom it concerns, objects, devices.

    What does not fit is left out from the end, and counted.
    """
    if summary(plan).startswith("No changes"):
        return f"**guru plan:** {text(summary(plan))}"
    lines = ["### guru plan", "", text(summary(plan))]
    size = sum(len(line) + 1 for line in lines)
    for title, rows in (
        ("Refused", _guards(plan)), ("Faults", _faults(plan)), ("Held", _held(plan)),
        ("Devices concerned", _impact(plan)), ("Objects", _objects(plan)), ("Devices", _devices(plan)),
    ):
        section, cut = _fitting(list(rows), most - size - len(title) - 200)
        if not section:
            continue
        section = ["", f"#### {title}", "", *section, *(["", f"and {cut:,} more lines, left out here"] if cut else [])]
        size += sum(len(line) + 1 for line in section)
        lines += section
    return "\n".join(lines)


def _fitting(rows: Sequence[str], room: int) -> tuple[list[str], int]:
    """As many of the rows as fit, and how many do not."""
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept.append(row)
    return kept, len(rows) - len(kept)


def _guards(plan: Plan) -> Iterator[str]:
    yield from (f"- {text(guard)}" for guard in plan["guards"])


def _faults(plan: Plan) -> Iterator[str]:
    if plan["faults"]:
        yield from faults_markdown(plan["faults"]).split("\n")[2:]


def _held(plan: Plan) -> Iterator[str]:
    yield from (f"- {code(one['customer'])} stays at its last good revision: {text(one['reason'])}"
                for one in plan["held"])


def _impact(plan: Plan) -> Iterator[str]:
    if plan["impact"]:
        yield from ("| by | name | devices | offline |", "|---|---|---:|---:|")
    for by in ("customer", "site", "group"):
        rows = [one for one in plan["impact"] if one["by"] == by]
        rows.sort(key=lambda one: (-one["devices"], one["name"]))
        yield from (f"| {by} | {code(one['name'])} | {one['devices']:,} | {one['offline']:,} |" for one in rows[:ROWS])
        if len(rows) > ROWS:
            yield f"| {by} | and {len(rows) - ROWS:,} more | | |"


def _objects(plan: Plan) -> Iterator[str]:
    for item in plan["objects"]:
        name = code(f"{_SIGNS.get(item['action'], '?')} {item['kind']} {item['scope']} {item['name']}")
        yield f"- {name} {text(item['action'])}, in {code(item['path'])}"
        if item["action"] in ("change", "rename"):
            yield from _fields(item["fields"])


def _devices(plan: Plan) -> Iterator[str]:
    for device in plan["devices"][:ROWS]:
        name = code(f"{device['customer']}/{device['site']}/{device['name']}")
        yield f"- {name}{'' if device['online'] else ', offline'}"
        yield from _fields(device["fields"])
    left = plan["affected"] - len(plan["devices"][:ROWS])
    if left > 0:
        yield f"- and {left:,} more devices"


def _fields(fields: Sequence[FieldChange]) -> Iterator[str]:
    for field in fields[:FIELDS]:
        before, after = (code(shorten(value(field[side]), VALUE)) for side in ("before", "after"))
        change = f"new: {after}" if field["from_absent"] else f"gone: {before}" if field["to_absent"] else (
            f"{before} → {after}")
        why = f" ({text(field['why'])})" if field["why"] else ""
        yield f"  - {code(field['path'])} {change}{why}"
    if len(fields) > FIELDS:
        yield f"  - and {len(fields) - FIELDS:,} more fields"
