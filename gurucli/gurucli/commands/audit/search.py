"""`guru audit search`: rows in which some text stands, the newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.commands.audit import columns
from gurucli.commands.audit.columns import (
    ActionOption,
    ActorOption,
    CustomerOption,
    DeviceOption,
    ObjectOption,
    RowsOption,
    SinceOption,
    UntilOption,
)

COLUMNS = columns.COLUMNS
EXAMPLES = (
    ("guru audit search 9f31c2e4", "everything about a commit"),
    ("guru audit search expired --action 'SignIn*' --since 7d", "who came with a token that had ended"),
)


def run(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Small and capital letters are one.")],
    since: SinceOption = "", until: UntilOption = "", actor: ActorOption = "", action: ActionOption = "",
    about: ObjectOption = "", device: DeviceOption = "", customer: CustomerOption = "",
    limit: RowsOption = columns.MOST,
) -> None:
    """Search the actors, actions, objects and results of the audit log."""
    columns.show(ctx.obj, limit, since=since, until=until, device=device, actor=actor, action=action, object=about,
                 customer=customer, text=text)
