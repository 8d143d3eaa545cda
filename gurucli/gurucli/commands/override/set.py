"""`guru override set`: values in the place of what Git says, until a moment and for a reason. Never for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import DeviceDetail, Json, Page
from gurucli.answers_planning import OverrideRow
from gurucli.asking import confirmed
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.override.columns import COLUMNS, full_name
from gurucli.human import ago, plural, seconds
from gurucli.paper import Paper
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption
from gurucli.sheet import Sheet
from gurucli.yaml_value import value

__all__ = ["COLUMNS", "EXAMPLES", "run"]

REMOVED: dict[str, Json] = {"$remove": True}
SHORTEST, LONGEST = 10, 30 * 86_400     # seconds; the server's own bounds
EXAMPLES = (
    ("guru override set web01 checks.disk.warning=80% --ttl 4h --reason 'moving the archive'", "one value"),
    ("guru override set web01 mode=observe --ttl 1h --reason 'working by hand'", "look, and change nothing"),
    ("guru override set web01 resources.motd- --ttl 2d --reason 'ticket 4711'", "take a resource away"),
    ("guru override set -l @acme/hq agent.converge=1m --ttl 1h --reason 'migration'", "a site, after a question"),
)


def run(
    ctx: typer.Context,
    ttl: Annotated[str, typer.Option(
        "--ttl", metavar="TIME", help="When it ends by itself: from 10s to 30d.", show_default=False)],
    reason: Annotated[str, typer.Option(
        "--reason", metavar="TEXT", help="What it is for; everybody sees it.", show_default=False)],
    words: Annotated[list[str] | None, typer.Argument(
        metavar="[DEVICE] PATH=VALUE|PATH-",
        help="A device (unless -l is given), then values: PATH=VALUE as in YAML, PATH- takes away.",
        show_default=False)] = None,
    selector: SelectorOption = "",
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Put a value in the place of what Git says, for a while.

    Paths are those of `guru explain`: of checks, resources and the agent's settings, or `mode`. The value is
    checked as in the repository, on every device before it is set on any. What a policy enforces cannot be
    overridden. At its end, or after `guru override rm`, devices go back to what Git says.
    """
    cli: Cli = ctx.obj
    words = list(words or [])
    if not selector and not words:
        raise UsageWrong("no device is named",
                         hint="guru override set web01 PATH=VALUE, or -l SELECTOR PATH=VALUE")
    device = "" if selector else words.pop(0)
    values, lasting = parse(words), int(seconds(ttl))
    if not SHORTEST <= lasting <= LONGEST:
        raise UsageWrong(f"--ttl {ttl} is not between 10s and 30d", hint="commit what is to stay")
    if device:
        detail = cli.server.get(DeviceDetail, f"/devices/{part(device)}")
        selector, count = f"id={detail['id']}", 1
    else:
        count = confirmed(cli, selector, "override values on", yes=yes, most=max_devices)
    done = cli.server.post(Page, "/overrides", {
        "selector": selector, "values": values, "ttl": lasting, "reason": reason,
        "max_devices": max(max_devices, count)})
    rows = cast("list[OverrideRow]", done["items"])
    cli.out.result(Sheet(rows, COLUMNS, document=done, name="id", draw=lambda paper: _told(rows, paper)))


def parse(words: Sequence[str]) -> Mapping[str, Json]:
    """Values by path; UsageWrong for a word that is neither PATH=VALUE nor PATH-."""
    found: dict[str, Json] = {}
    for word in words:
        path, equals, text = word.partition("=")
        removed = not equals and word.endswith("-") and len(word) > 1
        path = word[:-1] if removed else path
        if not path or not (equals or removed):
            raise UsageWrong(f"{word!r} is no value", hint="PATH=VALUE sets one, PATH- takes it away")
        if path in found:
            raise UsageWrong(f"{path} is given twice")
        found[path] = REMOVED if removed else _read(path, text)
    if not found:
        raise UsageWrong("no value is given", hint="PATH=VALUE sets one, PATH- takes it away")
    return found


def _read(path: str, text: str) -> Json:
    """The value as it would be in a YAML file; text that YAML cannot begin a value with is itself."""
    from guru_policy.text.nodes import plain
    from guru_policy.text.reading import read_yaml

    if text[:1] in ("%", "@", "`"):
        return text
    reading = read_yaml(path, f"value: {text}\n".encode("utf-8", "surrogateescape"))
    if reading.faults or len(reading.documents) != 1:
        why = reading.faults[0].message if reading.faults else "it is no single value"
        raise UsageWrong(f"{path}: {text!r} is no YAML: {why}", hint="quote it, as in PATH='\"text: with a colon\"'")
    read = plain(reading.documents[0])
    if not isinstance(read, dict) or list(read) != ["value"]:
        raise UsageWrong(f"{path}: {text!r} is no single value", hint="write a map as {a: 1, b: 2}")
    return read["value"]


def _told(rows: Sequence[OverrideRow], paper: Paper) -> Iterator[str]:
    first = rows[0]
    devices = sorted({full_name(row) for row in rows})
    on = devices[0] if len(devices) == 1 else plural(len(devices), "device")
    end = ago(first["expires_at"], paper.now)
    for row in {row["path"]: row for row in rows}.values():
        path, gone = clean(row["path"]), row["value"] == REMOVED
        said = f"{path} is taken away" if gone else f"{path} is {value(row['value'])}"
        yield paper.paint(paper.marked(f"{said} on {on}, and ends {end}", "good"), "good")
    yield paper.paint(f"to end it now: guru override rm {clean(first['id'])}", "dim")
