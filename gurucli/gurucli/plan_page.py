"""A plan as people read it: a page, flat rows, one sentence. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers import FieldChange, ObjectChange, Plan
from gurucli.blocks import fault_lines, heading, short
from gurucli.clean import clean, shorten, width
from gurucli.human import plural
from gurucli.paper import Paper, Tone
from gurucli.plan_groups import Group, Item, grouped, items, names, standing
from gurucli.plan_impact import impact_lines
from gurucli.plan_overrides import override_lines, override_rows, told
from gurucli.plan_rights import rights_lines
from gurucli.sheet import Row
from gurucli.yaml_value import value

GROUPS = 8                              # of devices that get the same, on a page without -o wide
PLACES = 6                              # of one group
FIELDS = 12                             # of one object or item
VALUE = 60                              # columns of one value
SIGNS: dict[str, tuple[str, Tone]] = {
    "create": ("+", "good"), "change": ("~", "warn"), "delete": ("-", "bad"), "rename": (">", "busy"),
}


def summary(plan: Plan) -> str:
    """The plan in one sentence."""
    base = short(plan["base_revision"])
    overridden = f" {told(plan['overridden'])}." if plan["overridden"] else ""
    if not plan["objects"] and not plan["affected"] and not plan["faults"] and not plan["guards"]:
        said = f"No changes: every device has what {base} says." if plan["base_revision"] else "No changes."
        return said + overridden
    counts = {action: sum(o["action"] == action for o in plan["objects"]) for action in SIGNS}
    words = [f"{counts[action]} to {action}" for action in SIGNS if counts[action]]
    offline = f", {plan['offline']} of them offline" if plan["offline"] else ""
    text = f"Plan: {', '.join(words) or 'no object changes'}; {plural(plan['affected'], 'device')} affected{offline}."
    if plan["faults"]:
        text += f" {plural(len(plan['faults']), 'fault')}."
    return text + overridden + (" Refused by a guard." if plan["guards"] else "")


def page(plan: Plan, paper: Paper, *, everything: bool = False) -> Iterator[str]:
    """The lines for a terminal; a plan without changes is one line."""
    if summary(plan).startswith("No changes"):
        yield paper.paint(paper.marked(summary(plan), "good"), "good")
        return
    target = short(plan["target_revision"]) if plan["target_revision"] else "this folder"
    yield f"{paper.paint('plan', 'title')}  {short(plan['base_revision'])} {paper.arrow} {target}   " + paper.paint(
        "nothing was changed", "dim")
    if plan["objects"]:
        yield from heading("Objects", paper)
        for item in plan["objects"]:
            yield from _object(item, paper, everything)
    if plan["affected"]:
        yield from _devices(plan, paper, everything)
    yield from override_lines(plan, paper, everything=everything)
    if plan["held"]:
        yield from heading("Held at their last good revision", paper)
        for held in plan["held"]:
            yield f"  {paper.paint(paper.marked(clean(held['customer']), 'warn'), 'warn')}  {clean(held['reason'])}"
    if plan["faults"]:
        yield from heading("Faults", paper)
        yield from fault_lines(plan["faults"], paper, most=1000 if everything else 20)
    if plan.get("rights"):
        yield from heading("Rights", paper)
        yield from rights_lines(plan.get("rights", []), paper, everything=everything)
    if plan["guards"]:
        yield from heading("Refused", paper)
        yield from (f"  {paper.paint(paper.marked(clean(guard), 'bad'), 'bad')}" for guard in plan["guards"])
    yield ""
    yield paper.paint(summary(plan), "title")


def _object(item: ObjectChange, paper: Paper, everything: bool) -> Iterator[str]:
    sign, tone = SIGNS.get(item["action"], ("?", ""))
    title = f"{clean(item['kind'])} {clean(item['scope'])} {clean(item['name'])}"
    yield f"  {paper.paint(sign, tone)} {paper.paint(title, tone)}  {paper.paint(clean(item['path']), 'dim')}"
    if item["action"] in ("change", "rename") or everything:
        yield from _fields(item["fields"], paper, everything, by=8)


def _devices(plan: Plan, paper: Paper, everything: bool) -> Iterator[str]:
    yield from heading("Devices", paper)
    away = f", {plan['offline']:,} of them offline" if plan["offline"] else ""
    yield f"  {plural(plan['affected'], 'device')}{away}"
    yield from impact_lines(plan, paper, everything=everything)
    groups = grouped(plan["devices"])
    shown = groups if everything else groups[:GROUPS]
    for group in shown:
        yield ""
        yield from _group(group, paper, everything)
    left = plan["affected"] - sum(len(group.devices) for group in shown)
    if left > 0:
        how = "" if everything else "; -o wide shows more"
        yield paper.paint(f"    and {plural(left, 'device')} more{how}", "dim")


def _group(group: Group, paper: Paper, everything: bool) -> Iterator[str]:
    """Who, a line a place; then once what they get."""
    places = [(place, [one]) for place, found in group.places() for one in found] if everything else group.places()
    for place, devices in places if everything else places[:PLACES]:
        word, online = standing(devices)
        count = f"  ({plural(len(devices), 'device')}, {place})" if len(devices) > 1 else f"  {place}"
        yield (f"  {paper.paint(names(devices, paper.ellipsis), 'title')}{count}  "
               + paper.paint(paper.marked(word, "good" if online else "off"), "good" if online else "off"))
    if len(places) > PLACES and not everything:
        more = sum(len(devices) for _, devices in places[PLACES:])
        yield paper.paint(f"  and {plural(more, 'device')} in {plural(len(places) - PLACES, 'place')} more", "dim")
    for item in items(group.fields, everything=everything):
        yield from _item(item, paper, everything)


def _item(item: Item, paper: Paper, everything: bool) -> Iterator[str]:
    if item.action == "change":
        yield from _fields(item.fields, paper, everything, by=4)
        return
    sign, tone = SIGNS[item.action]
    first, files = item.fields[0], {field["why"].rpartition(":")[0] for field in item.fields if field["why"]}
    kind = value(first["before"] if item.action == "delete" else first["after"])
    why = f"  {paper.paint(clean(first['why']), 'dim')}" if first["why"] else ""
    yield f"    {paper.paint(f'{sign} {clean(item.name)}', tone)}  {kind}{why}"
    if item.action == "delete" and not everything:
        return
    start = len(item.name) + 1
    left = max(len(clean(field["path"][start:])) for field in item.fields)
    for field in item.fields[1:]:
        text = value(field["before"] if item.action == "delete" else field["after"])
        note = "default" if field["default"] else clean(field["why"]) if len(files) > 1 or everything else ""
        yield (f"        {clean(field['path'][start:]).ljust(left)}  "
               + (text if everything else shorten(text, VALUE, paper.ellipsis))
               + (f"  {paper.paint(note, 'dim')}" if note else ""))


def _fields(fields: Sequence[FieldChange], paper: Paper, everything: bool, by: int) -> Iterator[str]:
    shown = fields if everything else fields[:FIELDS]
    for field in shown:
        yield from _change(field, paper, everything, " " * by)
    if len(fields) > len(shown):
        yield paper.paint(f"{' ' * by}and {plural(len(fields) - len(shown), 'field')} more", "dim")


def _change(field: FieldChange, paper: Paper, everything: bool, indent: str) -> Iterator[str]:
    """One line; on a narrow terminal the values stand below."""
    path, note = clean(field["path"]), clean(field["why"]) or ("default" if field["default"] else "")
    before, after = value(field["before"]), value(field["after"])
    if not everything:
        before, after = shorten(before, VALUE, paper.ellipsis), shorten(after, VALUE, paper.ellipsis)
    action = "create" if field["from_absent"] else "delete" if field["to_absent"] else "change"
    sign, tone = SIGNS[action]
    old, new = paper.paint(before, "bad"), paper.paint(after, "good")
    values = {"create": [new], "delete": [old], "change": [old, f"{paper.arrow} {new}"]}[action]
    head, why = f"{indent}{paper.paint(sign, tone)} {path}", f"  {paper.paint(note, 'dim')}" if note else ""
    plain = [before] * (action != "create") + [after] * (action != "delete")
    length = len(indent) + 2 + width(path) + sum(2 + width(text) for text in plain) + 2 + width(note)
    if paper.columns and length > paper.columns:
        yield head + why
        yield from (f"{indent}    {text}" for text in values)
    else:
        yield f"{head}  {' '.join(values)}{why}"


def plan_rows(plan: Plan) -> list[Row]:
    """One row a field of each object, and of each device that the plan names; then the overrides."""
    rows: list[Row] = []
    for item in plan["objects"]:
        item_head: dict[str, object] = {"what": "object", "action": item["action"], "kind": item["kind"],
                                        "scope": item["scope"],
                "name": item["name"], "why": item["path"]}
        rows += [item_head | _flat(field, item["path"]) for field in item["fields"]] or [item_head]
    for device in plan["devices"]:
        head: dict[str, object] = {"what": "device", "action": "change", "kind": "Device",
                                   "name": device["name"],
                "scope": f"{device['customer']}/{device['site']}", "online": device["online"],
                "id": device["device"]}
        rows += [head | _flat(field, "") for field in device["fields"]] or [head]
    return rows + override_rows(plan.get("overrides", []))


def _flat(field: FieldChange, path: str) -> dict[str, object]:
    return {"field": field["path"], "before": field["before"], "after": field["after"],
            "why": field["why"] or path, "default": field["default"]}
