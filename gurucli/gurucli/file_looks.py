"""Has a device look at a file or folder, and brings what is there, whole or not at all. It changes nothing there."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import typer

from guru_policy.errors import Unsupported, UsageWrong
from gurucli.answers_jobs import JobCancelled, JobMade, OutputRow
from gurucli.cli import Cli
from gurucli.client import Client, part
from gurucli.following import Listener, follow
from gurucli.job_verdict import verdict
from gurucli.sheet import plain

PlaceRef = Annotated[str, typer.Argument(
    metavar="DEVICE:PATH", help="A device, a colon, and a path from its root.", show_default=False)]
LIMIT = 60                              # seconds for the look, and in which it has to begin
EMPTY = hashlib.sha256(b"").hexdigest()


class Found(NamedTuple):
    """What was there."""

    device: str
    path: str
    data: bytes


def look(cli: Cli, place: str, op: str, lines: int = 0) -> Found:
    """Ask, wait, and check that what arrived is what the device read. Raises what went wrong there."""
    device, path = parted(place)
    return ordered(cli.server, device, {"op": op, "path": path, "lines": lines})


def ordered(server: Client, device: str, ask: Mapping[str, object]) -> Found:
    """The same for a FileAsk that is made already."""
    made = server.post(JobMade, "/jobs", {
        "device": device, "file": ask, "timeout": LIMIT, "expires": LIMIT})
    pieces: dict[int, bytes] = {}

    def piece(row: OutputRow, text: str) -> None:
        pieces[row["offset"]] = base64.b64decode(row["data"])

    followed = follow(server, made["job"], made["next"], Listener(piece=piece))
    runs = list(followed.runs.values())
    error = verdict(followed.job, runs, silent=followed.silent)
    if error is not None:
        raise error
    data = b"".join(pieces[at] for at in sorted(pieces))
    run = runs[0]
    told = hashlib.sha256((hashlib.sha256(data).hexdigest() + EMPTY).encode()).hexdigest()[:32]
    if len(data) != run["out"] or told != run["digest"]:
        raise Unsupported(f"{plain(run['name'])}: what arrived is not what the device read", hint="ask again")
    return Found(run["name"], str(ask["path"]), data)


def followed(cli: Cli, place: str, lines: int, seconds: int) -> None:
    """Print the last lines and those that are added, as they come; leaving it ends the look on the device, too."""
    device, path = parted(place)
    made = cli.server.post(JobMade, "/jobs", {
        "device": device, "file": {"op": "read", "path": path, "lines": lines, "follow": True}, "timeout": seconds,
        "expires": LIMIT})

    def line(name: str, stream: str, text: str) -> None:
        cli.out.lines([text if cli.out.kind == "tsv" else text.expandtabs(8)])
        cli.out.answered = True

    try:
        found = follow(cli.server, made["job"], made["next"], Listener(line=line))
    except KeyboardInterrupt:
        cli.server.close()              # an answer was still being waited for on that connection
        cli.server.post(JobCancelled, f"/jobs/{part(made['job']['id'])}/cancel", {})
        raise
    error = verdict(found.job, list(found.runs.values()), silent=found.silent)
    if error is not None:
        raise error


def parted(place: str) -> tuple[str, str]:
    """The device and the path of DEVICE:PATH. UsageWrong when it is none."""
    device, colon, path = place.partition(":")
    if not colon or not device or not path.startswith("/"):
        raise UsageWrong(f"{place!r} is no place on a device", hint="write it like web01:/var/log/syslog")
    return device, path
