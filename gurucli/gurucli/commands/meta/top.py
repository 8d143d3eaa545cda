"""`guru top`: the fleet on one screen, live. It only looks, until somebody unlocks deeds."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.cli import Cli
from gurucli.commands.fleet import today
from gurucli.human import seconds
from gurucli.sheet import Column

COLUMNS: tuple[Column, ...] = today.COLUMNS
EXAMPLES = (
    ("guru top", "triage, devices, alerts and jobs; ? and ctrl+p show the keys"),
    ("guru top --write", "with deeds unlocked: take alerts up, end jobs"),
    ("guru top --once -o json", "what its first table shows, for a script"),
)


def run(
    ctx: typer.Context,
    write: Annotated[bool, typer.Option("--write", help="Begin with deeds unlocked.", show_default=False)] = False,
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="How often to look, at most.")] = "5s",
    once: Annotated[bool, typer.Option("--once", help="Print the first table and end.", show_default=False)] = False,
) -> int:
    """Watch the fleet on one screen: triage, devices, alerts and jobs.

    `/` filters by a selector as -l takes it or by words, enter opens what is chosen, tab goes to the next table.
    Taking alerts up and ending jobs is locked until W and the context's name unlock it.
    """
    cli: Cli = ctx.obj
    if once:
        return today.run(ctx)
    drawn = cli.environment.stdout_terminal and cli.out.form.kind in ("auto", "table")
    if not (drawn and cli.interactive):
        raise UsageWrong("guru top needs a terminal", hint="`guru today` or `guru top --once` prints instead")
    from gurucli.tui.app import Top, Ways

    feed = cli.client(cli.context)
    try:
        Top(Ways(feed, cli.server, cli.context.name, max(1.0, seconds(every))), read_only=not write).run()
    finally:
        feed.close()
    return 0
