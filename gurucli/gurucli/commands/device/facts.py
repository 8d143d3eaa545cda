"""`guru device facts`: what a device says of itself; nobody has checked it."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers import DeviceFacts
from gurucli.blocks import heading, indented
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import ago, stamp
from gurucli.paper import Cell, Paper
from gurucli.parameters import DeviceRef
from gurucli.sheet import Column, Sheet, plain

COLUMNS = (Column("fact", keep=True), Column("value"))
EXAMPLES = (
    ("guru device facts web01", "everything it says"),
    ("guru device facts web01 -o jsonpath=.facts.os", "one fact"),
)


def run(ctx: typer.Context, device: DeviceRef) -> None:
    """Show what a device says of itself.

    Facts come from the agent. They can choose checks; they never decide roles, secrets or customers.
    """
    cli: Cli = ctx.obj
    answer = cli.server.get(DeviceFacts, f"/devices/{part(device)}/facts")
    rows = [{"fact": name, "value": value} for name, value in sorted(answer["facts"].items())]
    cli.out.result(Sheet(rows, COLUMNS, document=answer, draw=lambda paper: _page(answer, device, paper),
                         name="fact"))


def _page(answer: DeviceFacts, device: str, paper: Paper) -> Iterator[str]:
    told = f"told {ago(answer['at'], paper.now)} ago" if answer["at"] is not None else "nothing told yet"
    yield f"{paper.paint(clean(device), 'title')}   {paper.paint(told, 'dim')}"
    if answer["facts"]:
        yield from heading("Facts", paper)
        rows = [[Cell(clean(name)), Cell(_told(name, value, paper))] for name, value in sorted(answer["facts"].items())]
        yield from indented(rows, paper, keep=[True, False])


def _told(name: str, value: object, paper: Paper) -> str:
    """The value; a time (`..._at`, ms UTC) as one, with how long ago it was."""
    if name.endswith("_at") and isinstance(value, int) and not isinstance(value, bool):
        return f"{stamp(value)} ({ago(value, paper.now)} ago)"
    return plain(value)
