"""Follows a job to where nothing more is to be expected, and gathers what its devices said. It prints nothing itself.

What devices print is decoded piece by piece and handed on in whole lines, cleaned: nothing in it reaches a terminal.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gurucli.answers_jobs import JobProgress, JobRow, OutputRow, RunRow
from gurucli.clean import clean
from gurucli.client import Client

HELD = 20                               # seconds that the server holds an answer back
SLACK = 20.0                            # seconds beyond a job's timeout in which something should be heard
MOST_LINE = 64 << 10                    # characters of a line until it is handed on unfinished
ENDED = ("succeeded", "failed", "timed_out", "expired", "cancelled", "lost")


@dataclass
class Voice:
    """One stream of one device: its text so far, and the part of it that is no whole line yet."""

    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace"))
    text: list[str] = field(default_factory=list)
    partial: str = ""

    def take(self, data: bytes, final: bool = False) -> list[str]:
        """More of it; the lines that are whole now, or, at the end, all."""
        text = self.decoder.decode(data, final)
        self.text.append(text)
        *lines, self.partial = (self.partial + text).split("\n")
        if self.partial and (final or len(self.partial) > MOST_LINE):
            lines.append(self.partial)
            self.partial = ""
        return lines


@dataclass
class Followed:
    """What was heard of a job. `silent`: nothing came for longer than it should take."""

    job: JobRow
    runs: dict[str, RunRow] = field(default_factory=dict)
    voices: dict[tuple[str, str], Voice] = field(default_factory=dict)
    silent: bool = False

    def text(self, device: str, stream: str) -> str:
        """All that a device printed on a stream, as it was heard; not cleaned."""
        voice = self.voices.get((device, stream))
        return "".join(voice.text) if voice else ""


@dataclass(frozen=True)
class Listener:
    """Who hears of it as it comes: cleaned lines, tabs kept (name, stream, line), runs that changed, and the counts."""

    line: Callable[[str, str, str], None] = lambda name, stream, line: None
    run: Callable[[RunRow], None] = lambda run: None
    counts: Callable[[JobRow], None] = lambda job: None
    piece: Callable[[OutputRow, str], None] = lambda row, text: None


def follow(
    server: Client, job: JobRow, after: int, listener: Listener, *, output: bool = True, held: float = HELD
) -> Followed:
    """Ask until the server says that nothing more is to be expected, or nothing comes for too long.

    An answer without news comes after `held` seconds.
    """
    found = Followed(job)
    heard, limit = time.monotonic(), job["timeout"] + SLACK
    while True:
        left = max(0.0, min(held, heard + limit - time.monotonic()))
        answer = server.get(JobProgress, f"/jobs/{job['id']}/progress", after=after, wait=f"{left:.1f}",
                            output="true" if output else "false")
        news = bool(answer["runs"] or answer["output"])
        found.job, after = answer["job"], answer["next"]
        for row in answer["output"]:
            _hear(found, row, listener)
        for run in answer["runs"]:
            found.runs[run["device"]] = run
            if run["state"] in ENDED:
                _finish(found, run, listener)
            listener.run(run)
        listener.counts(found.job)
        if answer["done"]:
            return found
        if news:
            heard = time.monotonic()
        elif time.monotonic() - heard >= limit:
            found.silent = True
            return found


def safe(line: str, *, tabs: bool = False) -> str:
    """A line that a device printed, without anything that a terminal would obey; tabs become blanks unless `tabs`."""
    text = "\t".join(clean(part) for part in line.rstrip("\r").split("\t"))
    return text if tabs else text.expandtabs(8)


def _hear(found: Followed, row: OutputRow, listener: Listener) -> None:
    voice = found.voices.setdefault((row["device"], row["stream"]), Voice())
    try:
        data = base64.b64decode(row["data"], validate=True)
    except (binascii.Error, ValueError):
        return
    for line in voice.take(data):
        listener.line(row["name"], row["stream"], safe(line, tabs=True))
    listener.piece(row, voice.text[-1])


def _finish(found: Followed, run: RunRow, listener: Listener) -> None:
    """What was no whole line is one now."""
    for stream in ("out", "err"):
        voice = found.voices.get((run["device"], stream))
        for line in voice.take(b"", final=True) if voice else ():
            listener.line(run["name"], stream, safe(line, tabs=True))
