"""A commit on its way to the devices: how it was taken, and with --wait how far they are. Never done too early.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from guru_policy.errors import DeadlinePassed, GuruError, InputInvalid, PartlyDone, Refused
from gurucli.answers import SyncProgress, SyncRequested
from gurucli.blocks import fault_lines, short, state_counts
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import percent, plural, seconds, span
from gurucli.paper import Paper
from gurucli.progress import Progress
from gurucli.sheet import Column, record

COLUMNS = (
    Column("revision", keep=True), Column("outcome"), Column("devices_changed", "CHANGED"),
    Column("devices.UpToDate"), Column("devices.Updating"), Column("devices.OutOfDate"),
    Column("devices.Unknown"),
    Column("failed"), Column("reason"), Column("faults", wide=True),
)
PACES = (0.2, 0.3, 0.5, 0.75)           # seconds between questions; then one
SETTLED = 3                             # answers in a row without a device on its way
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the devices follow.", show_default=False)]
DeadlineOption = Annotated[str, typer.Option(
    "--timeout", metavar="TIME", help="With --wait: give up after this long.")]
ShareOption = Annotated[str, typer.Option(
    "--for", metavar="SHARE", help="With --wait: this share of the devices is enough.")]


def settle(cli: Cli, asked: SyncRequested, *, wait: bool, share: float, limit: float) -> None:
    """Print how the server took a commit, after waiting when that was asked for; raise what is not well."""
    reached: SyncProgress | None = None
    late: GuruError | None = None
    if wait and asked["revision"] and asked["outcome"] not in ("refused", "held"):
        reached, late = _wait(cli, asked["revision"], share, limit)
    document = {**asked, **({"devices": reached["devices"], "failed": reached["failed"]} if reached else {})}
    cli.out.result(record(document, COLUMNS, lambda paper: _page(asked, reached, paper), name="revision"))
    ending = late or _verdict(asked)
    if ending is not None:
        raise ending


def patience(share: str, deadline: str) -> tuple[float, float]:
    """The share and the seconds that two options mean; UsageWrong before anything is sent."""
    return percent(share), seconds(deadline)


def _verdict(asked: SyncRequested) -> GuruError | None:
    """How a commit that is not in force everywhere ends the command."""
    if asked["outcome"] == "partly-held":
        return PartlyDone("some customers are held at their last good revision",
                          hint="`guru status` says whom and why")
    if asked["outcome"] == "held":
        return Refused(f"the commit is held: {asked['reason']}", hint="`guru status` says more")
    if asked["outcome"] != "refused":
        return None
    if any(fault["severity"] == "error" for fault in asked["faults"]):
        return InputInvalid("the commit is refused; the last good revision stays in force",
                            hint="`guru validate` finds the same faults before a push")
    return Refused(f"the commit is refused: {asked['reason']}", hint="`guru plan` shows what it would do")


def _wait(cli: Cli, revision: str, enough: float, limit: float) -> tuple[SyncProgress, GuruError | None]:
    """Ask until enough devices follow, nobody is on the way any more, or the time is over."""
    progress = Progress(cli.out, moving=cli.out.side.glyphs)
    began, paces, quiet = time.monotonic(), list(PACES), 0
    try:
        while True:
            reached = cli.server.get(SyncProgress, f"/revisions/{part(revision)}/progress")
            there, total = reached["devices"].get("UpToDate", 0), sum(reached["devices"].values())
            elapsed = time.monotonic() - began
            progress.show(there / total if total else 1.0, _line(reached, elapsed))
            if there >= enough * total:
                return reached, None
            quiet = quiet + 1 if not reached["devices"].get("Updating") else 0
            if quiet >= SETTLED:
                return reached, PartlyDone(_missing(reached), hint=_advice(reached))
            if elapsed >= limit:
                return reached, DeadlinePassed(f"after {span(limit)}, {_missing(reached)}",
                                               hint="give it longer with --timeout, or look with `guru device list`")
            time.sleep(min(paces.pop(0) if paces else 1.0, max(limit - elapsed, 0.01)))
    finally:
        progress.done()


def _line(reached: SyncProgress, elapsed: float) -> str:
    counts = reached["devices"]
    told = ", ".join(f"{counts[s]:,} {s}" for s in counts if counts[s]) or "no device is concerned"
    return f"{told}  {span(elapsed)}"


def _missing(reached: SyncProgress) -> str:
    counts = reached["devices"]
    words = {"Updating": "on the way", "OutOfDate": "failed", "Unknown": "offline"}
    parts = [f"{counts[s]:,} {word}" for s, word in words.items() if counts.get(s)]
    total = sum(counts.values())
    return f"{counts.get('UpToDate', 0):,} of {plural(total, 'device')} follow: {', '.join(parts)}"


def _advice(reached: SyncProgress) -> str:
    if reached["failed"]:
        more = f" and {len(reached['failed']) - 5} more" if len(reached["failed"]) > 5 else ""
        names = ", ".join(reached["failed"][:5]) + more
        return f"failed: {names}; `guru device show {reached['failed'][0]}` says why"
    return "`guru device list --state Unknown` names them; --for 95% lets a few be offline"


def _page(asked: SyncRequested, reached: SyncProgress | None, paper: Paper) -> Iterator[str]:
    tone = paper.status(clean(asked["outcome"])).tone
    word = paper.draw(paper.status(clean(asked["outcome"])))
    count = asked["devices_changed"]
    changed = f"{plural(count, 'device')} changed" if count else "nothing to change"
    yield f"{paper.paint(short(asked['revision']), 'title')}  {word}   {changed}"
    if asked["reason"]:
        yield f"  {paper.paint(clean(asked['reason']), tone)}"
    yield from fault_lines(asked["faults"], paper)
    if reached is not None and reached["devices"]:
        yield f"  {state_counts(reached['devices'], paper)}"
        yield from _failed(reached["failed"], paper)


def _failed(names: Sequence[str], paper: Paper) -> Iterator[str]:
    if names:
        shown = ", ".join(clean(name) for name in names[:20])
        yield paper.paint(f"  failed: {shown}" + (f" and {len(names) - 20} more" if len(names) > 20 else ""),
                          "bad")
