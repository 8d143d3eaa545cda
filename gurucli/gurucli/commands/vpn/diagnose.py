"""`guru vpn diagnose`: asks a device to look at its VPN profiles, and shows what it found. It changes nothing there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, cast

import typer

from guru_policy.errors import Unsupported
from gurucli.answers_jobs import JobMade
from gurucli.blocks import heading
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.following import Listener, follow
from gurucli.job_verdict import verdict
from gurucli.paper import Paper
from gurucli.parameters import DeviceRef
from gurucli.sheet import Column, Row, Sheet, plain

COLUMNS = (
    Column("profile", keep=True), Column("subject", "LOOK", keep=True),
    Column("verdict", show=lambda row, paper: paper.status(plain(row.get("verdict")))), Column("message"),
    Column("hint"), Column("details", wide=True), Column("type", wide=True), Column("platform", wide=True),
)
EXAMPLES = (
    ("guru vpn diagnose laptop07", "every profile that policy gives it"),
    ("guru vpn diagnose laptop07 office", "one of them"),
    ("guru vpn diagnose laptop07 -o json", "with the lines of its log, cleared of secrets"),
)
LIMIT = 90                              # seconds for all looks


def run(
    ctx: typer.Context,
    device: DeviceRef,
    profile: Annotated[str, typer.Argument(
        metavar="PROFILE", help="One profile; all of them without it.", show_default=False)] = "",
) -> None:
    """Look why a VPN does not work on a device.

    The device looks at interface, routes, DNS and log, and tries an address behind the tunnel. The looks are a fixed
    set that it knows; nothing on it is changed.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(JobMade, "/jobs", {
        "device": device, "look": "vpn", "about": profile, "timeout": LIMIT, "expires": LIMIT, "output": 256 << 10})
    followed = follow(cli.server, made["job"], made["next"], Listener())
    runs = list(followed.runs.values())
    error = verdict(followed.job, runs, silent=followed.silent)
    if error is not None:
        raise error
    rows = _rows(followed.text(runs[0]["device"], "out"))
    document: dict[str, object] = {"device": runs[0]["name"], "items": rows, "total": len(rows)}
    cli.out.result(Sheet(rows, COLUMNS, document=document, name="subject", draw=lambda paper: _page(rows, paper)))


def _rows(text: str) -> list[Row]:
    """The findings of every profile; Unsupported when the device said something else."""
    try:
        profiles = json.loads(text)["profiles"]
        return [
            {"profile": one["profile"], "type": one["type"], "platform": one["platform"], **finding}
            for one in profiles for finding in one["findings"]
        ]
    except (ValueError, KeyError, TypeError) as cause:
        raise Unsupported("the device answered with something else than findings") from cause


def _page(rows: list[Row], paper: Paper) -> Iterator[str]:
    before = ""
    for row in rows:
        if plain(row["profile"]) != before:
            before = plain(row["profile"])
            yield from heading(f"{before} ({plain(row['type'])})", paper)
        yield f"  {paper.draw(paper.status(plain(row['verdict'])))}  {plain(row['subject'])}: {plain(row['message'])}"
        if row["hint"]:
            yield f"      {paper.paint('hint:', 'accent')} {plain(row['hint'])}"
        details = cast("list[object]", row["details"]) if isinstance(row["details"], list) else []
        if row["verdict"] != "ok":
            yield from (f"      {paper.paint(clean(str(line)), 'dim')}" for line in details)
