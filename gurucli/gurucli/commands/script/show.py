"""`guru script show`: one command template with its parameters and its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, cast

import typer

from gurucli.answers_jobs import ScriptDetail
from gurucli.blocks import heading, indented, short
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.script.list import COLUMNS as LISTED
from gurucli.following import safe
from gurucli.human import size, span
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, record

COLUMNS = (*LISTED, Column("script", wide=True), Column("source", wide=True), Column("unless", wide=True))
EXAMPLES = (
    ("guru script show clear-temp", "its parameters and its text"),
    ("guru script show clear-temp --customer acme", "a customer's own, when it has one"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template's name.", show_default=False)],
    customer: Annotated[str, typer.Option(
        "--customer", metavar="NAME", help="As this customer has it.", show_default=False)] = "",
) -> None:
    """Show one command template: parameters, limits and text."""
    cli: Cli = ctx.obj
    found = cli.server.get(ScriptDetail, f"/scripts/{part(name)}", customer=customer)
    cli.out.result(record(cast("Row", found), COLUMNS, lambda paper: page(found, paper)))


def page(found: ScriptDetail, paper: Paper) -> Iterator[str]:
    """The lines for a terminal."""
    yield f"{paper.paint(clean(found['name']), 'title')}  {clean(found['display_name'])}".rstrip()
    platforms = ", ".join(map(clean, found["os"])) or "wherever its shell is"
    facts = [clean(found["scope"]), clean(found["shell"]), platforms,
             f"as {clean(found['run_as'])}", f"timeout {span(found['timeout'])}", f"keeps {size(found['output'])}",
             f"class {clean(found['command_class'])}", f"revision {short(found['revision'])}"]
    yield paper.dot.join(facts)
    if found["approval"]:
        yield paper.paint(paper.marked(f"needs the approval of the role {clean(found['approval'])}", "warn"), "warn")
    if found["params"]:
        yield from heading("Parameters", paper)
        rows = [[Cell(clean(one["name"])), Cell(clean(one["type"])),
                 Cell("must be given" if one["required"] else f"default {clean(one['default'])}", "dim"),
                 Cell(" ".join(filter(None, [clean(one["description"]), ", ".join(map(clean, one["choices"]))])))]
                for one in found["params"]]
        yield from indented(rows, paper, keep=[True, True, True, False])
    for title, text in (("Unless", found["unless"]), ("Script", found["script"])):
        if text:
            yield from heading(title, paper)
            yield from ("  " + safe(line) for line in text.rstrip("\n").split("\n"))
    if found["source"]:
        yield from heading("Script", paper)
        yield f"  the file {clean(found['source'])} of the repository"
