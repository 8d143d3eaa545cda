"""`guru can`: asks the server whether you may do something now, to all of it; nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_rights import AccessAnswer
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.commands.access.sentence import read
from gurucli.exits import Exit
from gurucli.human import plural
from gurucli.paper import Paper
from gurucli.parameters import SelectorOption
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("allowed"), Column("devices", right=True), Column("why"), Column("rule"), Column("role"),
    Column("binding"), Column("at", keep=True), Column("revision", wide=True), Column("unmet"),
)
EXAMPLES = (
    ("guru can command.run -l @acme --class danger", "on every device of acme"),
    ("guru can shell.open web01 --ticket T-1042", "on one device, with a ticket"),
    ("guru can policy.apply", "on the whole organisation"),
    ("guru can I run script reboot on @acme", "as one says it"),
    ("guru can device.enroll --scope customers/acme/sites/hq", "at a site"),
)


def run(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(
        metavar="VERB [DEVICE]", help="Such as device.label; see Role. Or: I run script NAME on SELECTOR.",
        show_default=False)],
    selector: SelectorOption = "",
    scope: Annotated[str, typer.Option(
        "--scope", metavar="SCOPE", show_default=False,
        help="A whole place instead of devices, such as customers/acme.")] = "",
    command_class: Annotated[str, typer.Option(
        "--class", metavar="CLASS", help="For command.run: the class of the command.", show_default=False)] = "",
) -> int:
    """Say whether you may do something, and by which rule.

    It ends with 0 when you may do it to all of it, and with 8 when not. Without a device, selector or scope the
    question is about the whole organisation.
    """
    cli: Cli = ctx.obj
    asked = read(words)
    verb, device = asked.verb, asked.device
    if asked.selector and selector:
        raise UsageWrong("two selectors do not go together", hint="give one of them")
    selector = selector or asked.selector
    if sum(map(bool, (device, selector, scope))) > 1:
        raise UsageWrong("a device, a selector and a scope do not go together", hint="give one of them")
    if asked.script:
        from gurucli.answers_jobs import ScriptDetail
        from gurucli.client import part

        command_class = cli.server.get(ScriptDetail, f"/scripts/{part(asked.script)}")["command_class"]
    if device:
        from gurucli.answers import DeviceDetail
        from gurucli.client import part

        selector = f"id={cli.server.get(DeviceDetail, f'/devices/{part(device)}')['id']}"
    query = {"verb": verb, "selector": selector, "scope": scope, "class": command_class}
    answer = cli.server.get(AccessAnswer, "/access/can", **query)
    cli.out.result(Sheet(
        answer["reasons"], COLUMNS, document=answer, draw=lambda paper: _page(answer, device, paper),
        name="rule",
    ))
    return Exit.done if answer["allowed"] else Exit.refused


def _page(answer: AccessAnswer, device: str, paper: Paper) -> Iterator[str]:
    about = clean(device or answer["about"])
    count = f" ({plural(answer['devices'], 'device')})" if answer["devices"] > 1 else ""
    if answer["allowed"]:
        yield paper.paint(paper.marked(f"yes: {clean(answer['verb'])} on {about}{count}", "good"), "good")
    else:
        yield paper.paint(paper.marked(f"no: {clean(answer['verb'])} on {about}{count}", "bad"), "bad")
    for reason in answer["reasons"]:
        named = f"rule {reason['rule']} of role {reason['role']} by binding {reason['binding']}"
        rule = named if reason["rule"] else ""
        said = {"deny": "denies it", "unmet": "would allow it", "": "allows it", "none": "no rule allows it",
                "token": "the token itself is not for this"}.get(reason["why"], reason["why"])
        number = f"{reason['devices']}x " if answer["devices"] > 1 else ""
        where = f"  {reason['at']}@{reason['revision'][:12]}" if reason["revision"] else ""
        yield f"  {number}{clean(f'{rule} {said}'.strip())}{paper.paint(clean(where), 'dim')}"
        for unmet in reason["unmet"]:
            yield f"      but {clean(unmet)}"
