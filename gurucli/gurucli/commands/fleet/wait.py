"""`guru wait`: until enough of the chosen devices are in a state. It only asks, and never says done too early."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

import typer

from guru_policy.errors import DeadlinePassed, NotFound, UsageWrong
from gurucli.answers import Page
from gurucli.blocks import STATES
from gurucli.cli import Cli
from gurucli.human import percent, plural, seconds, span
from gurucli.parameters import SelectorOption
from gurucli.progress import Progress
from gurucli.sheet import Column, record

COLUMNS = (
    Column("state"), Column("devices"), Column("there"), Column("counts.UpToDate"), Column("counts.Updating"),
    Column("counts.OutOfDate"), Column("counts.Unknown"),
)
EXAMPLES = (
    ("guru wait -l customer=acme", "until every device of a customer is up to date"),
    ("guru wait -l ring=canary --for UpToDate=97% --timeout 30m", "a few may be missing"),
    ("guru wait -l @acme/hq --for Unknown=100%", "until a site is dark"),
)
PACES = (0.2, 0.5, 1.0)                 # seconds between questions; then two


def run(
    ctx: typer.Context,
    selector: SelectorOption = "",
    wanted: Annotated[str, typer.Option(
        "--for", metavar="STATE=SHARE", help="UpToDate, Updating, OutOfDate or Unknown, and the share of the "
        "chosen devices that is enough.")] = "UpToDate=100%",
    deadline: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Give up after this long.")] = "5m",
) -> None:
    """Wait until enough of the chosen devices are in a state.

    The share is of all devices that the selector matches, those that are offline among them: fleets are never
    online as a whole, so say how many are enough. Ends with 5 when the selector matches nothing, and with 7 when
    the time is over.
    """
    cli: Cli = ctx.obj
    state, share = _goal(wanted)
    limit = seconds(deadline)
    progress = Progress(cli.out, moving=cli.out.side.glyphs)
    began, paces = time.monotonic(), list(PACES)
    try:
        while True:
            counts = _counts(cli, selector)
            total = sum(counts.values())
            if not total:
                raise NotFound(f"no device matches {selector!r}", hint="`guru device list -l ...` shows who does")
            there, elapsed = counts[state], time.monotonic() - began
            progress.show(there / total, f"{_told(counts)}  {span(elapsed)}")
            if there >= share * total or elapsed >= limit:
                break
            time.sleep(min(paces.pop(0) if paces else 2.0, max(limit - elapsed, 0.01)))
    finally:
        progress.done()
    document = {"state": state, "devices": total, "there": there, "counts": counts}
    cli.out.result(record(document, COLUMNS, name="state"))
    if there < share * total:
        told = f"{there:,} of {plural(total, 'device')} are {state}: {_told(counts)}"
        raise DeadlinePassed(f"after {span(limit)}, {told}",
                             hint="give it longer with --timeout, or look with `guru device list`")


def _goal(text: str) -> tuple[str, float]:
    state, _, share = text.partition("=")
    known = {one.lower(): one for one in STATES}
    if state.lower() not in known:
        raise UsageWrong(f"there is no state {state!r}", hint=f"one of {', '.join(STATES)}, such as UpToDate=97%")
    return known[state.lower()], percent(share or "100%")


def _counts(cli: Cli, selector: str) -> dict[str, int]:
    """How many of the chosen devices are in each state; four small questions, whatever the size of the fleet."""
    return {
        state: int(cli.server.get(Page, "/devices", selector=selector, state=state, limit=1)["total"])
        for state in STATES
    }


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
