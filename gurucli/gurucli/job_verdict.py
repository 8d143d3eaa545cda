"""How a job went, as an exit code that does not lie. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guru_policy.errors import DeadlinePassed, GuruError, PartlyDone
from gurucli.answers_jobs import JobRow, RunRow
from gurucli.clean import clean
from gurucli.human import plural

LATE = ("timed_out", "expired")
WORDS = {"timed_out": "timed out"}
ORDER = ("succeeded", "failed", "timed_out", "lost", "cancelled", "expired", "running", "sent", "queued")


def verdict(job: JobRow, runs: Sequence[RunRow], *, silent: bool) -> GuruError | None:
    """What is wrong with a job that is not followed any more; None when it succeeded on every device.

    All devices late: DeadlinePassed. None succeeded: GuruError. Some did, or some are still to come: PartlyDone.
    """
    counts, total, name = job["counts"], job["total"], job["id"][:8]
    good = counts.get("succeeded", 0)
    if good == total:
        return None
    told = f"{clean(runs[0]['name'])}: {how(runs[0])}" if total == 1 and len(runs) == 1 else counted(counts, total)
    if silent:
        return DeadlinePassed(f"nothing more was heard: {told}", hint=f"the job goes on; `guru job watch {name}`")
    open_ones = sum(counts.get(state, 0) for state in ("queued", "sent", "running"))
    if open_ones:
        return PartlyDone(told, hint=f"it waits for devices that are away; `guru job watch {name}`")
    hint = f"guru job rerun {name} --failed" if total > 1 else _said(name, runs)
    if not good and sum(counts.get(state, 0) for state in LATE) == total:
        return DeadlinePassed(told, hint=hint)
    return PartlyDone(told, hint=hint) if good else GuruError(told, hint=hint)


def _said(name: str, runs: Sequence[RunRow]) -> str:
    """A hint at what a device printed, when it printed something."""
    spoke = any(run["out"] or run["err"] for run in runs)
    return f"guru job output {name} prints what it said" if spoke else f"guru job show {name} has all that is known"


def how(run: RunRow) -> str:
    """How one run ended or stands, in a few words."""
    said = WORDS.get(run["state"], clean(run["state"]))
    if run["state"] == "failed" and run["exit_code"] is not None:
        said = f"exit code {run['exit_code']}"
    elif run["signal"] is not None and run["state"] == "failed":
        said = f"ended by signal {run['signal']}"
    elif run["state"] == "queued":
        said = "queued" if run["online"] else "queued, offline"
    return f"{said}: {clean(run['reason'])}" if run["reason"] else said


def counted(counts: Mapping[str, int], total: int, deed: str = "succeeded") -> str:
    """`2 of 12 devices succeeded, 1 failed, 9 queued`."""
    good = counts.get("succeeded", 0)
    others = [f"{counts[state]:,} {WORDS.get(state, state)}" for state in ORDER[1:] if counts.get(state)]
    return ", ".join([f"{good:,} of {plural(total, 'device')} {deed}", *others])
