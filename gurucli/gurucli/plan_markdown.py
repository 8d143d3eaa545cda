"""A plan as a comment on a pull request. Pure text; what came from elsewhere is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from gurucli.answers import FieldChange, Plan
from gurucli.human import plural
from gurucli.plan_groups import Group, Item, grouped, items, names, standing
from gurucli.plan_page import FIELDS, SIGNS, summary, value
from gurucli.reports.markdown import MOST, code, faults_markdown, text
from gurucli.sheet import plain

GROUPS = 20                             # of devices that get the same


def plan_markdown(plan: Plan) -> str:
    """The sentence, the objects with their files, and once for all devices that get the same what they get."""
    lines = ["### guru plan", "", text(summary(plan))]
    if plan["objects"]:
        lines += ["", "| | object | file |", "|---|---|---|"]
        lines += [
            f"| {SIGNS.get(one['action'], ('?', ''))[0]} | {code(' '.join((one['kind'], one['scope'], one['name'])))} "
            f"| {code(one['path'])} |" for one in plan["objects"][:MOST]]
    if plan["by_customer"]:
        lines += ["", "| customer | devices |", "|---|---:|"]
        lines += [f"| {text(name)} | {plain(count)} |"
                  for name, count in sorted(plan["by_customer"].items())[:MOST]]
    groups = grouped(plan["devices"])
    for group in groups[:GROUPS]:
        lines += ["", *_group(group)]
    if len(groups) > GROUPS:
        lines += ["", f"and {plural(len(groups) - GROUPS, 'group')} of devices more"]
    lines += [f"\n- refused: {text(guard)}" for guard in plan["guards"]]
    if plan["faults"]:
        lines += ["", faults_markdown(plan["faults"])]
    return "\n".join(lines)


def _group(group: Group) -> Iterator[str]:
    places = group.places()
    who = "; ".join(
        f"{code(names(devices, '…'))} ({plural(len(devices), 'device')}, {text(place)}, {standing(devices)[0]})"
        for place, devices in places[:5])
    more = f"; and {plural(len(places) - 5, 'place')} more" if len(places) > 5 else ""
    yield f"<details><summary>{plural(len(group.devices), 'device')} get the same</summary>"
    yield from ("", who + more, "")
    for item in items(group.fields):
        yield from _item(item)
    yield from ("", "</details>")


def _item(item: Item) -> Iterator[str]:
    if item.action == "change":
        yield from (f"- {_said(field, field['path'])}" for field in item.fields[:FIELDS])
        return
    first = item.fields[0]
    kind = value(first["before"] if item.action == "delete" else first["after"])
    yield f"- {SIGNS[item.action][0]} {code(item.name)} {code(kind)} {text(first['why'])}".rstrip()
    if item.action == "create":
        yield from (f"  - {code(field['path'].removeprefix(item.name + '.'))}: {code(value(field['after']))}"
                    for field in item.fields[1:FIELDS])


def _said(field: FieldChange, path: str) -> str:
    why = f" {text(field['why'])}" if field["why"] else ""
    if field["from_absent"]:
        return f"+ {code(path)}: {code(value(field['after']))}{why}"
    if field["to_absent"]:
        return f"- {code(path)}: {code(value(field['before']))}{why}"
    return f"~ {code(path)}: {code(value(field['before']))} → {code(value(field['after']))}{why}"
