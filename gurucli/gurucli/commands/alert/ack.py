"""`guru alert ack`: takes an alert up, so that nobody else is called for it."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_alerting import AlertDetail
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.alert.columns import COLUMNS, SHORT
from gurucli.commands.alert.show import AlertRef
from gurucli.human import seconds, span
from gurucli.paper import Paper
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru alert ack 5d41402a", "until it ends"),
    ("guru alert ack 5d41402a --for 2h -m 'disk ordered'", "for two hours, and why"),
)


def run(
    ctx: typer.Context,
    alert: AlertRef,
    lasting: Annotated[str, typer.Option(
        "--for", metavar="TIME", help="How long, such as 2h; until it ends without it.", show_default=False)] = "",
    message: Annotated[str, typer.Option(
        "-m", "--message", metavar="TEXT", help="What you do about it, for others.", show_default=False)] = "",
) -> None:
    """Take an alert up: escalations wait meanwhile.

    Steps of escalation policies tell nobody while an alert is taken up, unless they say `unlessAcknowledged: false`.
    When the time is over and the alert still fires, they go on where they were. It is recorded with your name.
    """
    cli: Cli = ctx.obj
    taken = cli.server.post(AlertDetail, f"/alerts/{part(alert)}/acknowledgement", {
        "seconds": int(seconds(lasting)) if lasting else None, "note": message})

    def told(paper: Paper) -> list[str]:
        left = taken["acked_until"]
        until = "until it ends" if left is None else f"for {span(left / 1000 - paper.now)}"
        words = f"{clean(taken['id'])[:SHORT]} is yours {until}: {clean(taken['summary'])}"
        return [paper.paint(paper.marked("taken up", "good"), "good") + f" {words}"]

    cli.out.result(record(taken, COLUMNS, told, name="id"))
