"""Has the server send one thing to a webhook, and waits until it did. It sends nothing there itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from guru_policy.errors import DeadlinePassed, Undelivered
from gurucli.answers_events import DeliveryRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.webhook.columns import DELIVERIES
from gurucli.paper import Paper
from gurucli.sheet import record

PATIENCE, GLANCE = 40.0, 0.3            # seconds: the server gives one try 15 s


def sent(
    cli: Cli, path: str, body: Mapping[str, object], *, clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask for it, print how it went, and raise when it was not taken (Undelivered) or not tried in time."""
    row = cli.server.post(DeliveryRow, path, body)
    until = clock() + PATIENCE
    while row["state"] == "waiting":
        if clock() > until:
            raise DeadlinePassed("the server has not sent it yet", hint=f"`guru webhook deliveries {row['hook']}`")
        sleep(GLANCE)
        row = cli.server.get(DeliveryRow, f"/hooks/deliveries/{part(row['id'])}")
    if row["state"] == "failed":
        raise Undelivered(f"{row['hook']} did not take it: {row['why']}", hint="it was one try; `guru webhook list`")

    def told(paper: Paper) -> Iterator[str]:
        yield paper.paint(paper.marked(clean(f"{row['hook']} took it: {row['status']}"), "good"), "good")

    cli.out.result(record(row, DELIVERIES, told, name="id"))
