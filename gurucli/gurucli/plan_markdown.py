"""A plan as a comment on a pull request, never longer than a forge takes. Pure text; nothing in it becomes markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers import FieldChange, Plan
from gurucli.clean import shorten
from gurucli.human import plural, stamp
from gurucli.plan_groups import Group, Item, grouped, items, names, standing
from gurucli.plan_overrides import value_told
from gurucli.plan_page import SIGNS, summary
from gurucli.reports.markdown import code, faults_markdown, text
from gurucli.yaml_value import value

MOST = 60_000                           # characters: GitHub and Gitea take 65,536
ROWS = 50                               # of one table
GROUPS = 20                             # of devices that get the same
PLACES = 5                              # of one group
FIELDS = 12                             # of one object or item
VALUE = 80                              # columns of one value
_NOTE = 200                             # characters kept for a title and what was left out


def plan_markdown(plan: Plan, most: int = MOST) -> str:
    """One line when nothing changes. Else guards and faults first, then whom it concerns, objects, devices.

    Devices that get the same stand together. What does not fit is left out from the end, and counted.
    """
    if summary(plan).startswith("No changes"):
        return f"**guru plan:** {text(summary(plan))}"
    lines = ["### guru plan", "", text(summary(plan))]
    sections = (
        ("Refused", _guards(plan)), ("Faults", _faults(plan)), ("Held", _held(plan)),
        ("Overrides in force", _overrides(plan)), ("Devices concerned", _impact(plan)), ("Objects", _objects(plan)),
    )
    room = most - _size(lines) - _NOTE * (len(sections) + 1)
    for title, rows in sections:
        section = _section(title, list(rows), room)
        room -= _size(section)
        lines += section
    return "\n".join([*lines, *_devices(plan, room)])


def _section(title: str, rows: Sequence[str], room: int) -> list[str]:
    """The rows below their title, as many as fit."""
    if not rows:
        return []
    kept, cut = _fitting(rows, room)
    return ["", f"#### {title}", "", *kept, *([f"and {plural(cut, 'line')} more, left out here"] if cut else [])]


def _fitting(rows: Sequence[str], room: int) -> tuple[list[str], int]:
    """As many of the rows as fit, and how many do not."""
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept.append(row)
    return kept, len(rows) - len(kept)


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _guards(plan: Plan) -> Iterator[str]:
    yield from (f"- {text(guard)}" for guard in plan["guards"])


def _faults(plan: Plan) -> Iterator[str]:
    if plan["faults"]:
        yield from faults_markdown(plan["faults"]).split("\n")[2:]


def _held(plan: Plan) -> Iterator[str]:
    yield from (f"- {code(one['customer'])} stays at its last good revision: {text(one['reason'])}"
                for one in plan["held"])


def _overrides(plan: Plan) -> Iterator[str]:
    for row in plan["overrides"][:ROWS]:
        who = code(f"{row['customer']}/{row['site']}/{row['name']}")
        said = f"{text(row['actor'])}, until {stamp(row['expires_at'])}: {text(row['reason'])}"
        yield f"- {who} {code(shorten(value_told(row), VALUE))} ({said})"
        if row["unfit"]:
            yield f"  - would not fit: {text(row['unfit'])}"
        yield from (f"  - hides {line.strip().removeprefix('- ')}" for line in _fields(row["masks"], ""))
    if plan["overridden"] > len(plan["overrides"][:ROWS]):
        yield f"- and {plan['overridden'] - len(plan['overrides'][:ROWS]):,} more"


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
        sign = SIGNS.get(item["action"], ("?", ""))[0]
        name = code(f"{sign} {item['kind']} {item['scope']} {item['name']}")
        yield f"- {name} {text(item['action'])}, in {code(item['path'])}"
        if item["action"] in ("change", "rename"):
            yield from _fields(item["fields"], "  ")


def _devices(plan: Plan, room: int) -> Iterator[str]:
    """Once for all devices that get the same what they get, closed until somebody opens it."""
    groups = grouped(plan["devices"])
    if plan["affected"]:
        yield from ("", "#### Devices")
    told = 0
    for group in groups[:GROUPS]:
        head, rows = _who(group), [row for item in items(group.fields) for row in _item(item)]
        room -= _size(head) + _NOTE
        kept, cut = _fitting(rows, room)
        if room < 0:
            break
        room -= _size(kept)
        told += len(group.devices)
        yield from (*head, *kept, *([f"- and {plural(cut, 'line')} more, left out here"] if cut else []))
        yield from ("", "</details>")
    left = plan["affected"] - told
    if left > 0:
        yield from ("", f"and {plural(left, 'device')} more, left out here")


def _who(group: Group) -> list[str]:
    places = group.places()
    who = "; ".join(
        f"{code(names(devices, '…'))} ({plural(len(devices), 'device')}, {text(place)}, {standing(devices)[0]})"
        for place, devices in places[:PLACES])
    more = f"; and {plural(len(places) - PLACES, 'place')} more" if len(places) > PLACES else ""
    same = " get the same" if len(group.devices) > 1 else ""
    return ["", f"<details><summary>{plural(len(group.devices), 'device')}{same}</summary>", "", who + more, ""]


def _item(item: Item) -> Iterator[str]:
    """A check or resource that is new tells its fields; one that is gone only its name."""
    if item.action == "change":
        yield from _fields(item.fields, "")
        return
    first = item.fields[0]
    kind = _value(first["before"] if item.action == "delete" else first["after"])
    why = f" ({text(first['why'])})" if first["why"] else ""
    yield f"- {'gone' if item.action == 'delete' else 'new'}: {code(item.name)} {kind}{why}"
    if item.action == "create":
        start = len(item.name) + 1
        yield from (f"  - {code(field['path'][start:])} {_value(field['after'])}" for field in item.fields[1:FIELDS])


def _fields(fields: Sequence[FieldChange], indent: str) -> Iterator[str]:
    for field in fields[:FIELDS]:
        before, after = _value(field["before"]), _value(field["after"])
        change = f"new: {after}" if field["from_absent"] else f"gone: {before}" if field["to_absent"] else (
            f"{before} → {after}")
        why = text(field["why"]) or ("default" if field["default"] else "")
        yield f"{indent}- {code(field['path'])} {change}" + (f" ({why})" if why else "")
    if len(fields) > FIELDS:
        yield f"{indent}- and {plural(len(fields) - FIELDS, 'field')} more"


def _value(item: object) -> str:
    return code(shorten(value(item), VALUE))
