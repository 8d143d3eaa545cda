"""What a run says of itself: bounded, on one line each, and only when it is news. It sends nothing."""

from __future__ import annotations

from collections.abc import Sequence

from guru_agent.logs import plain
from guru_policy.bundle import digest_of
from guru_wire.uplink import Report, ResourceOutcome, ResourceReport

MOST_STEPS = 20
MOST_TEXT = 300                         # characters of a step or message
MOST_BYTES = 400 << 10                  # of a whole report


def bounded(reports: Sequence[ResourceReport]) -> tuple[ResourceReport, ...]:
    """The same with short, plain texts."""
    return tuple(
        one.model_copy(update={
            "steps": tuple(plain(step, MOST_TEXT) for step in one.steps[:MOST_STEPS]),
            "message": plain(one.message, MOST_TEXT),
        })
        for one in reports
    )


def encoded(report: Report) -> bytes:
    """The report as JSON; a large one goes without its steps, then without what is as it should be."""
    data = report.model_dump_json().encode()
    if len(data) <= MOST_BYTES:
        return data
    short = tuple(
        one.model_copy(update={"steps": (), "message": one.message[:80]}) for one in report.resources
    )
    data = report.model_copy(update={"resources": short}).model_dump_json().encode()
    if len(data) <= MOST_BYTES:
        return data
    news = sorted(short, key=lambda one: one.outcome is not ResourceOutcome.failed)
    kept = [one for one in news if one.outcome is not ResourceOutcome.same][:1000]
    return report.model_copy(update={"resources": tuple(kept)}).model_dump_json().encode()


def converged(reports: Sequence[ResourceReport]) -> bool:
    """Whether every resource is as it should be, or is only looked at."""
    good = {ResourceOutcome.same, ResourceOutcome.changed, ResourceOutcome.drifted}
    return all(one.outcome in good for one in reports)


def standing(report: Report) -> str:
    """A digest of how things stand after the run, whatever it did: equal standings are no news."""
    lines = [f"{report.serial} {report.revision} {report.bundle}"]
    if report.blocked:
        lines.append(f"blocked by {' '.join(report.blocked)} until {report.blocked_until}")
    for one in report.resources:
        outcome = "same" if one.outcome is ResourceOutcome.changed else one.outcome.value
        steps = one.steps if one.outcome is ResourceOutcome.drifted else ()
        lines.append("\t".join((one.id, outcome, one.message, *steps)))
    return digest_of("\n".join(lines).encode())


def sameness(report: Report) -> str:
    """A digest of how things stand and what was done: a report with an equal one tells nothing else."""
    done = [
        "\t".join((one.id, one.outcome, one.change or "", *one.steps))
        for one in report.resources
        if one.change is not None
    ]
    return digest_of("\n".join((standing(report), *done)).encode())


def changes(report: Report) -> bool:
    """Whether the run changed the machine."""
    return any(one.outcome is ResourceOutcome.changed for one in report.resources)
