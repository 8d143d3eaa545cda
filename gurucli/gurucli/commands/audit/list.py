"""`guru audit list`: who did what, the newest first."""

from __future__ import annotations

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
    ("guru audit list", "the newest hundred rows"),
    ("guru audit list --device web01 --since 30d", "what happened to a device"),
    ("guru audit list --actor person:vera --action 'Labels*'", "what somebody did"),
    ("guru audit list --since 1d --limit 0 -o ndjson", "all of a day, one a line"),
)


def run(
    ctx: typer.Context, since: SinceOption = "", until: UntilOption = "", actor: ActorOption = "",
    action: ActionOption = "", about: ObjectOption = "", device: DeviceOption = "", customer: CustomerOption = "",
    limit: RowsOption = columns.MOST,
) -> None:
    """List who did what, and how it went.

    That you asked is told in the log, too.
    """
    columns.show(ctx.obj, limit, since=since, until=until, device=device, actor=actor, action=action, object=about,
                 customer=customer)
