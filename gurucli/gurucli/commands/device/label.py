"""`guru device label`: sets and removes labels in the op/ namespace, never in git/ or fact/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import DeviceDetail, LabelsChanged
from gurucli.asking import confirmed
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import plural
from gurucli.paper import Paper
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("device", keep=True),)
EXAMPLES = (
    ("guru device label web01 role=web env-", "set role, remove env"),
    ("guru device label -l @acme/hq tier=gold", "every device of a site, after a question"),
    ("guru device label -l os=linux patch=wed --yes --max-devices 50", "in a script: never more than 50"),
)


class Change(NamedTuple):
    """What is set and what is removed, without the op/ prefix."""

    set: dict[str, str]
    remove: list[str]


def run(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(
        metavar="[DEVICE] KEY=VALUE|KEY-",
        help="A device (unless -l is given), then labels: KEY=VALUE sets one, "
        "KEY- removes it.", show_default=False)] = None,
    selector: SelectorOption = "",
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Set and remove labels of one device or many.

    Labels made here are in the op/ namespace and are recorded with your name. Labels in git/ come from the
    repository, those in fact/ from the agent.
    """
    cli: Cli = ctx.obj
    words = list(words or [])
    if not selector and not words:
        raise UsageWrong("no device is named",
                         hint="guru device label web01 role=web, or -l SELECTOR role=web")
    device = "" if selector else words.pop(0)
    change = parse(words)
    if device:
        detail = cli.server.get(DeviceDetail, f"/devices/{part(device)}")
        selector, count = f"id={detail['id']}", 1
    else:
        count = confirmed(cli, selector, "label", yes=yes, most=max_devices)
    done = cli.server.post(LabelsChanged, "/devices/labels", {
        "selector": selector, "set": change.set, "remove": change.remove,
        "max_devices": max(max_devices, count)})
    rows = [{"device": name} for name in done["devices"]]
    shown = [device] if device and done["devices"] else done["devices"]
    cli.out.result(Sheet(rows, COLUMNS, document=done, draw=lambda paper: [_told(shown, paper)], name="device"))


def parse(words: list[str]) -> Change:
    """The labels that the words name; UsageWrong for a word that is neither KEY=VALUE nor KEY-."""
    change = Change({}, [])
    for word in words:
        key, equals, value = word.partition("=")
        removed = not equals and word.endswith("-") and len(word) > 1
        key = (word[:-1] if removed else key).removeprefix("op/")
        if not key or not (equals or removed):
            raise UsageWrong(f"{word!r} is not a label", hint="KEY=VALUE sets a label, KEY- removes it")
        if key.startswith(("git/", "fact/")):
            where = "the fleet repository" if key.startswith("git/") else "the agent"
            raise UsageWrong(f"{key} cannot be set here: it comes from {where}")
        if removed:
            change.remove.append(key)
        else:
            change.set[key] = value
    if not change.set and not change.remove:
        raise UsageWrong("no label is given", hint="KEY=VALUE sets a label, KEY- removes it")
    return change


def _told(devices: Sequence[str], paper: Paper) -> str:
    names = [clean(name) for name in devices]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    listed = f": {', '.join(names[:10])}{more}" if names else ""
    return paper.paint(paper.marked(f"labelled {plural(len(names), 'device')}", "good"), "good") + listed
