"""`guru access explain`: which rule decides about a subject, a verb and a device; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers_rights import AccessExplained
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper, Tone
from gurucli.parameters import DeviceRef
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("applies"), Column("effect"), Column("rule"), Column("role"), Column("binding"), Column("scope"),
    Column("selector"), Column("conditions"), Column("at", keep=True),
)
EXAMPLES = (
    ("guru access explain ada shell.open web01", "why ada may or may not"),
    ("guru access explain key:ci device.label acme/hq/pc1", "an API key"),
    ("guru access explain group:helpdesk command.run pc1 --class danger", "a group, and a class"),
)


def run(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(
        metavar="USER", help="A user's name, or user:NAME, group:NAME, key:NAME.", show_default=False)],
    verb: Annotated[str, typer.Argument(metavar="VERB", help="Such as device.label.", show_default=False)],
    device: DeviceRef,
    command_class: Annotated[str, typer.Option(
        "--class", metavar="CLASS", help="For command.run: the class of the command.", show_default=False)] = "",
) -> None:
    """Say why somebody may or may not do something to a device.

    It shows the rule that decides with its file and line, every other rule about the verb, and which conditions
    are unmet. About others it takes the right user.manage.
    """
    cli: Cli = ctx.obj
    subject = user if ":" in user else f"user:{user}"
    query = {"subject": subject, "verb": verb, "device": device, "class": command_class}
    told = cli.server.get(AccessExplained, "/access/explain", **query)
    cli.out.result(Sheet(
        told["rules"], COLUMNS, document=told, draw=lambda paper: _page(told, device, paper), name="rule",
    ))


def _page(told: AccessExplained, device: str, paper: Paper) -> Iterator[str]:
    who, what = clean(told["subject"]), f"{clean(told['verb'])} on {clean(device)}"
    tone: Tone = "good" if told["allowed"] else "bad"
    yield paper.paint(paper.marked(f"{who} {'may' if told['allowed'] else 'may not'} {what}", tone), tone)
    if told["told"]:
        yield f"  {clean(told['told'])}"
    for fixed in told["fixed_roles"]:
        yield f"  a token of that name has the fixed role {clean(fixed)}, whatever the repository says"
    for held in told["groups"]:
        yield paper.paint(f"  is in group:{clean(held['group'])}, says {clean(held['by'])}", "dim")
    if not told["rules"]:
        yield paper.paint("  no binding gives it a rule about this verb", "dim")
    for rule in told["rules"]:
        mark = "*" if rule["applies"] else " "
        where = f"{rule['effect']}s in {rule['scope']}" + (f" on {rule['selector']}" if rule["selector"] else "")
        asked = f" with {', '.join(rule['conditions'])}" if rule["conditions"] else ""
        words = f"rule {rule['rule']} of role {rule['role']} by binding {rule['binding']} {where}{asked}"
        yield f"  {mark} {clean(words)}  {paper.paint(clean(rule['at']), 'dim')}"
