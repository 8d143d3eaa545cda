"""A comparison of two versions as people read it. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gurucli.answers import DeviceChange, FieldChange, ObjectChange
from gurucli.blocks import heading
from gurucli.clean import clean, shorten
from gurucli.human import plural
from gurucli.paper import Paper, Tone
from gurucli.yaml_value import value

VALUE = 60                              # columns of one value without -o wide
_SIGNS: Mapping[str, tuple[str, Tone]] = {
    "create": ("+", "good"), "change": ("~", "warn"), "delete": ("-", "bad"), "rename": (">", "busy"),
}


def lines(
    objects: Sequence[ObjectChange], devices: Sequence[DeviceChange], paper: Paper, *, everything: bool
) -> Iterator[str]:
    """The objects, then the devices, each with its fields."""
    for item in objects:
        sign, tone = _SIGNS[item["action"]]
        title = " ".join(clean(item[key]) for key in ("kind", "scope", "name"))
        yield f"{paper.paint(sign, tone)} {paper.paint(title, tone)}  {paper.paint(clean(item['path']), 'dim')}"
        if item["action"] in ("change", "rename") or everything:
            yield from (_field(one, paper, everything, why=False) for one in item["fields"])
    if devices:
        yield from heading("Devices", paper)
    for device in devices:
        place = f"{clean(device['customer'])}/{clean(device['site'])}"
        yield f"{paper.paint(clean(device['name']), 'title')}  {place}"
        yield from (_field(one, paper, everything, why=True) for one in device["fields"])


def summary(objects: Sequence[ObjectChange], devices: Sequence[DeviceChange], looked: int | None) -> str:
    """One sentence; `looked` is how many devices were compiled, None when none were asked for."""
    words = [f"{count} {word}" for action, word in (("create", "created"), ("change", "changed"), ("delete", "deleted"),
                                                    ("rename", "renamed"))
             if (count := sum(one["action"] == action for one in objects))]
    told = ", ".join(words) or "no object differs"
    return told if looked is None else f"{told}; {len(devices):,} of {plural(looked, 'device')} get something else"


def _field(field: FieldChange, paper: Paper, everything: bool, *, why: bool) -> str:
    before, after = value(field["before"]), value(field["after"])
    if not everything:
        before, after = shorten(before, VALUE, paper.ellipsis), shorten(after, VALUE, paper.ellipsis)
    if field["from_absent"]:
        change = paper.paint(f"+ {after}", "good")
    elif field["to_absent"]:
        change = paper.paint(f"- {before}", "bad")
    else:
        change = f"{paper.paint(before, 'bad')} {paper.arrow} {paper.paint(after, 'good')}"
    reason = paper.paint(f"  {clean(field['why'])}", "dim") if why and field["why"] else ""
    return f"    {clean(field['path'])}  {change}{reason}"
