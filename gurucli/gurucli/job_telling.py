"""Follows a job and prints it, in every format: lines as they come, then how it ended. It never changes a job.

One device: what it prints goes to the same stream here. Several: lines go to stderr as they come, behind the
device's name, and stdout gets the devices in groups that said the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from gurucli.answers_jobs import JobDetail, JobRow, OutputRow, RunRow
from gurucli.cli import Cli
from gurucli.following import ENDED, Followed, Listener, follow
from gurucli.human import plural
from gurucli.job_page import RUN_COLUMNS, groups, truncated
from gurucli.job_verdict import counted, how, verdict
from gurucli.out import API_VERSION
from gurucli.paper import Paper
from gurucli.progress import Progress
from gurucli.sheet import Column, Sheet, plain

COLUMNS = (*RUN_COLUMNS, Column("stdout", wide=True), Column("stderr", wide=True))


def tell(cli: Cli, job: JobRow, after: int, deed: str = "succeeded") -> None:
    """Follow, print, and raise what is wrong with how it ended: see job_verdict. `deed`: what those did that are done.
    """
    teller = _Teller(cli, job, deed)
    try:
        followed = follow(cli.server, job, after, teller.listener(), output=cli.out.kind != "name")
    except KeyboardInterrupt:
        name = job["id"][:8]
        cli.out.note(f"\njob {name} goes on: `guru job watch {name}` follows it, `guru job cancel {name}` ends it")
        raise
    finally:
        teller.progress.done()
    if len(followed.runs) < job["total"]:
        detail = cli.server.get(JobDetail, f"/jobs/{job['id']}")
        followed.runs |= {run["device"]: run for run in detail["runs"] if run["device"] not in followed.runs}
    runs = sorted(followed.runs.values(), key=lambda run: (run["customer"], run["site"], run["name"]))
    _print(cli, followed, runs)
    error = verdict(followed.job, runs, silent=followed.silent)
    if error is not None:
        raise error


class _Teller:
    """What happens while a job runs, for people or, with -o ndjson, for programs."""

    def __init__(self, cli: Cli, job: JobRow, deed: str) -> None:
        self._cli, self._job, self._deed = cli, job, deed
        self._alone = job["total"] == 1
        self._stream = cli.out.kind == "ndjson"
        self.progress = Progress(cli.out, moving=cli.out.side.glyphs and not self._alone)

    def listener(self) -> Listener:
        """Who hears of it."""
        if self._stream:
            return Listener(run=self._run, piece=self._piece)
        if self._alone and self._cli.out.kind in ("table", "wide", "tsv"):
            return Listener(line=self._own)
        return Listener(line=self._line, counts=self._counts)

    def _own(self, name: str, stream: str, line: str) -> None:
        if stream == "out":
            self._cli.out.lines([line if self._cli.out.kind == "tsv" else line.expandtabs(8)])
            self._cli.out.answered = True
        else:
            self._cli.out.write_side(line.expandtabs(8) + "\n")

    def _line(self, name: str, stream: str, line: str) -> None:
        out = self._cli.out
        if out.quiet or out.kind not in ("table", "wide"):
            return
        self.progress.done()
        bar = "│" if out.side.unicode else "|"
        mark = out.side.paint(bar, "dim" if stream == "out" else "bad")
        out.write_side(f"{out.side.paint(plain(name), 'accent')} {mark} {line.expandtabs(8)}\n")

    def _counts(self, job: JobRow) -> None:
        over = sum(job["counts"].get(state, 0) for state in ENDED)
        self.progress.show(over / max(1, job["total"]), counted(job["counts"], job["total"], self._deed))

    def _run(self, run: RunRow) -> None:
        self._event({"type": "run", "job": self._job["id"], **run})

    def _piece(self, row: OutputRow, text: str) -> None:
        self._event({"type": "output", "job": self._job["id"], "device": row["device"], "name": row["name"],
                     "stream": row["stream"], "offset": row["offset"], "text": text})

    def _event(self, event: dict[str, object]) -> None:
        from gurucli.render.documents import ndjson

        self._cli.out.lines(ndjson([event]))
        self._cli.out.answered = True


def _print(cli: Cli, followed: Followed, runs: list[RunRow]) -> None:
    kind, job = cli.out.kind, followed.job
    if kind == "ndjson":
        return
    if kind in ("table", "wide", "tsv") and job["total"] == 1 and runs and not cli.options.fields:
        run = runs[0]
        if cut := truncated(run):
            cli.out.say(f"{plain(run['name'])}: {cut}; more with --keep")
        if run["state"] == "succeeded" and run["duration"] is not None:
            cli.out.note(f"{plain(run['name'])}: {how(run)} in {run['duration']} ms, job {job['id'][:8]}")
        return
    rows = [
        {**run, "stdout": followed.text(run["device"], "out"), "stderr": followed.text(run["device"], "err")}
        for run in runs
    ]
    document: dict[str, object] = {"apiVersion": API_VERSION, "job": job, "runs": rows, "total": len(rows)}
    cli.out.result(Sheet(rows, COLUMNS, document=document, name="name", draw=lambda paper: _page(followed, paper)))
    cli.out.note(f"job {job['id'][:8]}: {counted(job['counts'], job['total'])}")


def _page(followed: Followed, paper: Paper) -> Iterator[str]:
    yield from groups(followed, paper)


def started(cli: Cli, job: JobRow) -> None:
    """Say, on stderr, which job this is and how to leave it alone."""
    if job["total"] > 1 or cli.options.verbose:
        cli.out.note(f"job {job['id'][:8]} on {plural(job['total'], 'device')}; it goes on when this is interrupted")
