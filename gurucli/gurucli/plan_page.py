"""A plan as people read it: a page, a Markdown comment, flat rows, one sentence. Pure text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gurucli.answers import DeviceChange, FieldChange, ObjectChange, Plan
from gurucli.blocks import fault_lines, heading, short
from gurucli.clean import clean, shorten
from gurucli.human import plural
from gurucli.paper import Paper, Tone
from gurucli.sheet import Row, plain

DEVICES = 10                            # shown on a page without -o wide
FIELDS = 8                              # of one object or device
VALUE = 60                              # columns of one value
_SIGNS: dict[str, tuple[str, Tone]] = {
    "create": ("+", "good"), "change": ("~", "warn"), "delete": ("-", "bad"), "rename": (">", "busy"),
}


def summary(plan: Plan) -> str:
    """The plan in one sentence."""
    base = short(plan["base_revision"])
    if not plan["objects"] and not plan["affected"] and not plan["faults"] and not plan["guards"]:
        return f"No changes: every device has what {base} says." if plan["base_revision"] else "No changes."
    counts = {action: sum(o["action"] == action for o in plan["objects"]) for action in _SIGNS}
    words = [f"{counts[action]} to {action}" for action in _SIGNS if counts[action]]
    offline = f", {plan['offline']} of them offline" if plan["offline"] else ""
    text = f"Plan: {', '.join(words) or 'no object changes'}; {plural(plan['affected'], 'device')} affected{offline}."
    if plan["faults"]:
        text += f" {plural(len(plan['faults']), 'fault')}."
    return text + (" Refused by a guard." if plan["guards"] else "")


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
    if plan["held"]:
        yield from heading("Held at their last good revision", paper)
        for held in plan["held"]:
            yield f"  {paper.paint(paper.marked(clean(held['customer']), 'warn'), 'warn')}  {clean(held['reason'])}"
    if plan["faults"]:
        yield from heading("Faults", paper)
        yield from fault_lines(plan["faults"], paper, most=1000 if everything else 20)
    if plan["guards"]:
        yield from heading("Refused", paper)
        yield from (f"  {paper.paint(paper.marked(clean(guard), 'bad'), 'bad')}" for guard in plan["guards"])
    yield ""
    yield paper.paint(summary(plan), "title")


def _object(item: ObjectChange, paper: Paper, everything: bool) -> Iterator[str]:
    sign, tone = _SIGNS.get(item["action"], ("?", ""))
    title = f"{clean(item['kind'])} {clean(item['scope'])} {clean(item['name'])}"
    yield f"  {paper.paint(sign, tone)} {paper.paint(title, tone)}  {paper.paint(clean(item['path']), 'dim')}"
    if item["action"] in ("change", "rename") or everything:
        yield from _fields(item["fields"], paper, everything, by=6)


def _devices(plan: Plan, paper: Paper, everything: bool) -> Iterator[str]:
    yield from heading("Devices", paper)
    customers = [f"{clean(name)} {count:,}" for name, count in sorted(plan["by_customer"].items())]
    yield f"  {plural(plan['affected'], 'device')}: {', '.join(customers)}"
    shown = plan["devices"] if everything else plan["devices"][:DEVICES]
    for device in shown:
        yield from _device(device, paper, everything)
    left = plan["affected"] - len(shown)
    if left > 0:
        how = "" if everything else "; -o wide shows more"
        yield paper.paint(f"    and {plural(left, 'device')} more{how}", "dim")


def _device(device: DeviceChange, paper: Paper, everything: bool) -> Iterator[str]:
    tone: Tone = "good" if device["online"] else "off"
    standing = paper.paint(paper.marked("online" if device["online"] else "offline", tone), tone)
    place = f"{clean(device['customer'])}/{clean(device['site'])}"
    yield f"    {paper.paint(clean(device['name']), 'title')}  {place}  {standing}"
    yield from _fields(device["fields"], paper, everything, by=6)


def _fields(fields: Sequence[FieldChange], paper: Paper, everything: bool, by: int) -> Iterator[str]:
    shown = fields if everything else fields[:FIELDS]
    for field in shown:
        why = paper.paint(f"  {clean(field['why'])}", "dim") if field["why"] else ""
        yield f"{' ' * by}{clean(field['path'])}  {_change(field, paper, everything)}{why}"
    if len(fields) > len(shown):
        yield paper.paint(f"{' ' * by}and {plural(len(fields) - len(shown), 'field')} more", "dim")


def _change(field: FieldChange, paper: Paper, everything: bool) -> str:
    before, after = value(field["before"]), value(field["after"])
    if not everything:
        before, after = shorten(before, VALUE, paper.ellipsis), shorten(after, VALUE, paper.ellipsis)
    if field["from_absent"]:
        return f"{paper.paint('+', 'good')} {paper.paint(after, 'good')}"
    if field["to_absent"]:
        return f"{paper.paint('-', 'bad')} {paper.paint(before, 'bad')}"
    return f"{paper.paint(before, 'bad')} {paper.arrow} {paper.paint(after, 'good')}"


def value(item: object) -> str:
    """A value as it would be written in YAML's flow style, clean and on one line."""
    if isinstance(item, str):
        text = clean(item)
        return text if text and text == item.strip() else json.dumps(text)
    return clean(json.dumps(item, ensure_ascii=False))


def plan_rows(plan: Plan) -> list[Row]:
    """One row a field of each object, and of each device that the plan names."""
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
    return rows


def _flat(field: FieldChange, path: str) -> dict[str, object]:
    return {"field": field["path"], "before": field["before"], "after": field["after"],
            "why": field["why"] or path}


def plan_markdown(plan: Plan) -> str:
    """The plan as a comment on a pull request."""
    from gurucli.reports.markdown import MOST, code, faults_markdown, text

    lines = ["### guru plan", "", text(summary(plan))]
    if plan["objects"]:
        lines += ["", "| | object | file |", "|---|---|---|"]
        lines += [f"| {_SIGNS.get(o['action'], ('?', ''))[0]} | {code(' '.join((o['kind'], o['scope'], o['name'])))} "
                  f"| {code(o['path'])} |" for o in plan["objects"][:MOST]]
    if plan["by_customer"]:
        lines += ["", "| customer | devices |", "|---|---:|"]
        lines += [f"| {text(name)} | {plain(count)} |" for name,
                  count in sorted(plan["by_customer"].items())[:MOST]]
    lines += [f"\n- refused: {text(guard)}" for guard in plan["guards"]]
    if plan["faults"]:
        lines += ["", faults_markdown(plan["faults"])]
    return "\n".join(lines)
