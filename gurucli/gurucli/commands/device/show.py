"""`guru device show`: one device on one page."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers import DeviceDetail, RunSummary
from gurucli.blocks import heading, indented, short
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.device.columns import COLUMNS as LISTED
from gurucli.commands.device.columns import full_name, state
from gurucli.human import ago, amount, span
from gurucli.paper import Cell, Paper, Tone
from gurucli.parameters import DeviceRef
from gurucli.plan_overrides import value_told
from gurucli.sheet import Column, plain, record

COLUMNS = (
    *LISTED, Column("enrolled_at", time=True), Column("serial"), Column("public_key"),
    Column("conditions", wide=True), Column("run", wide=True), Column("check_results", wide=True),
    Column("metrics", wide=True), Column("services", wide=True),
    Column("refusals", wide=True), Column("overrides", wide=True),
)
EXAMPLES = (
    ("guru device show web01", "by name"),
    ("guru device show acme/hq/web01", "when the name exists at several sites"),
    ("guru device show web01 -o jsonpath=.run.resources[*].id", "what its newest run looked at"),
)


def run(ctx: typer.Context, device: DeviceRef) -> None:
    """Show one device: conditions, checks, the newest run."""
    cli: Cli = ctx.obj
    detail = cli.server.get(DeviceDetail, f"/devices/{part(device)}")
    cli.out.result(record(detail, COLUMNS, lambda paper: page(detail, paper), name=full_name))


def page(device: DeviceDetail, paper: Paper) -> Iterator[str]:
    """The lines of the page."""
    place = f"{clean(device['customer'])}/{clean(device['site'])}"
    seen = ago(device["last_seen"], paper.now)
    yield (f"{paper.paint(clean(device['name']), 'title')}  {place}   {paper.draw(state(device, paper))}   "
           f"seen {seen if seen == '-' else seen + ' ago'}")
    facts = [device["os"], f"agent {device['agent_version']}", _key(device),
             f"enrolled {ago(device['enrolled_at'], paper.now)} ago",
             f"id {device['id']}"]
    yield paper.paint(clean(paper.dot.join(fact for fact in facts if fact)), "dim")
    if device.get("held"):
        yield paper.paint(paper.marked(clean(f"{device['held']}: {device.get('held_why', '')}"), "bad"), "bad")
    for title, rows in (("Withheld", _withheld(device, paper)),
                        ("Conditions", _conditions(device, paper)), ("Checks", _checks(device, paper)),
                        ("Newest run", _run(device, paper)), ("Refused", _refusals(device, paper)),
                        ("Overridden", _overrides(device, paper)),
                        ("Labels", _labels(device)),
                        ("Metrics", _metrics(device)), ("Services", _services(device, paper))):
        if rows:
            yield from heading(title, paper)
            yield from indented(rows, paper, keep=[True] + [False] * (len(rows[0]) - 1))


def _key(device: DeviceDetail) -> str:
    """Where its key rests, as it says; empty for an agent that does not."""
    said = str(device["labels"].get("fact/device_key"))
    return {"tpm": "key sealed by its TPM", "file": "key in a file"}.get(said, "")


def _withheld(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    """What it sent while nothing was believed of it."""
    return [
        [Cell(clean(one["kind"])), Cell(f"{one['count']:,} items, {one['bytes']:,} bytes"),
         Cell(f"{ago(one['last_at'], paper.now)} ago", "dim")]
        for one in device.get("withheld", ())
    ]


def _conditions(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    rows = []
    for condition in device["conditions"]:
        expected = condition["type"] in ("Ready", "SourceVerified")
        well = condition["status"] == expected
        tone: Tone = "good" if well else "warn"
        rows.append([Cell(paper.marked(clean(condition["type"]), tone), tone),
                     Cell("yes" if condition["status"] else "no"), Cell(clean(condition["reason"])),
                     Cell(ago(condition["since"], paper.now), "dim"), Cell(clean(condition["message"]))])
    return rows


def _checks(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    rows = []
    for result in device["check_results"]:
        verdict = result["verdict"]
        value = "" if verdict["value"] is None else f"{verdict['value']:.3g} {clean(verdict['unit'])}".strip()
        rows.append([Cell(clean(result["check"])), paper.status(clean(verdict["state"])), Cell(value),
                     Cell(ago(result["since"], paper.now), "dim"), Cell(clean(verdict["message"]))])
    return rows


def _run(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    newest = device["run"]
    if newest is None:
        return []
    took = newest["finished_at"] - newest["started_at"]
    time = f"{took} ms" if took < 1000 else span(took / 1000)
    tone: Tone
    word, tone = ("converged", "good") if newest["converged"] else ("not converged", "bad")
    if newest["blocked"] and not newest["converged"] and not _failed(newest):
        word, tone = "waits", "warn"
    outcome = Cell(paper.marked(word, tone), tone)
    rows = [[outcome, Cell(f"{ago(newest['finished_at'], paper.now)} ago, took {time}"),
             Cell(f"revision {short(newest['revision'])}, serial {newest['serial']}, {clean(newest['cause'])}")]]
    for resource in newest["resources"]:
        if resource["outcome"] == "same":
            continue
        words = resource["message"] or "; ".join(resource["steps"])
        change = f" ({clean(resource['change'])})" if resource["change"] else ""
        outcome = paper.status(clean(resource["outcome"]))
        rows.append([outcome, Cell(f"{clean(resource['kind'])} {clean(resource['id'])}{change}"),
                     Cell(clean(words))])
    return rows


def _failed(run: RunSummary) -> bool:
    """Whether something went wrong, and not only waits for the end of a maintenance window."""
    return any(one["outcome"] not in ("same", "changed", "drifted") for one in run["resources"])


def _refusals(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    """What it would not take, the newest first."""
    return [
        [Cell(paper.marked(clean(one["code"]), "bad"), "bad"),
         Cell(f"{ago(one['at'], paper.now)} ago" + (f", {one['times']:,} times" if one["times"] > 1 else ""), "dim"),
         Cell("" if one["serial"] is None else f"serial {one['serial']}"), Cell(clean(one["message"]))]
        for one in device["refusals"]
    ]


def _overrides(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    """What somebody put in the place of what Git says."""
    return [
        [Cell(value_told(one), "warn"), Cell(f"ends {ago(one['expires_at'], paper.now)}"),
         Cell(clean(one["actor"])), Cell(clean(one["unfit"] or one["reason"]), "bad" if one["unfit"] else ""),
         Cell(clean(one["id"]), "dim")]
        for one in device["overrides"]
    ]


def _labels(device: DeviceDetail) -> list[list[Cell]]:
    """Labels that people gave; `guru device facts` shows what the device says of itself."""
    given = sorted(item for item in device["labels"].items() if not item[0].startswith("fact/"))
    return [[Cell(clean(key)), Cell(plain(value))] for key, value in given]


def _metrics(device: DeviceDetail) -> list[list[Cell]]:
    return [[Cell(clean(key)), Cell(amount(key, value))] for key, value in sorted(device["metrics"].items())]


def _services(device: DeviceDetail, paper: Paper) -> list[list[Cell]]:
    stopped = [service for service in device["services"] if not service["running"] and service["enabled"]]
    return [[Cell(clean(service["name"])), Cell(paper.marked("stopped, though enabled", "warn"), "warn")]
            for service in stopped]
