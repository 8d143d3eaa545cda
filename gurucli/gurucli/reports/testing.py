"""Reports that are about tests, and not about faults: JUnit XML and Markdown. Pure functions to text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from gurucli.blocks import place
from gurucli.clean import clean
from gurucli.human import plural
from gurucli.reports.markdown import MOST, code, text
from gurucli.testing import Case, Ran, percent_of, place_of


def tests_junit(cases: Sequence[Case]) -> str:
    """One test suite `guru test` with one case a test."""
    failed = sum(bool(case.failures) for case in cases)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuites><testsuite name="guru test" tests="{len(cases)}" failures="{failed}">']
    for case in cases:
        head = (f"<testcase classname={quoteattr(clean(case.scope))} name={quoteattr(clean(case.name))} "
                f"file={quoteattr(clean(case.path))} line=\"{case.line}\"")
        if not case.failures:
            lines.append(f"{head}/>")
            continue
        told = "\n".join(f"{place(line)}: {clean(line['message'])}"
                         + (f" ({clean(line['hint'])})" if line["hint"] else "") for line in case.failures)
        message = quoteattr(clean(case.failures[0]["message"]))
        lines.append(f"{head}><failure message={message}>{escape(told)}</failure></testcase>")
    return "\n".join([*lines, "</testsuite></testsuites>"])


def tests_markdown(ran: Ran, covered: bool) -> str:
    """A heading with the counts, a table of the claims that do not hold, and with `covered` one of the coverage."""
    lines = [f"### guru test: {ran.summary}"]
    faults = ran.faults
    if faults:
        lines += ["", "| where | what | what to do |", "|---|---|---|"]
        lines += [f"| {code(place(f))} | {text(f['message'])} | {text(f['hint'])} |" for f in faults[:MOST]]
    if len(faults) > MOST:
        lines += ["", f"and {len(faults) - MOST} more"]
    return "\n".join([*lines, *(_coverage(ran) if covered else ())])


def _coverage(ran: Ran) -> Iterator[str]:
    rows = [row for row in ran.coverage.rows if row.covered < row.total]
    spoken = f"claims speak of {ran.coverage.covered:,} of {plural(ran.coverage.total, 'part')}"
    yield from ("", f"Coverage {percent_of(ran.coverage.share):g} %: {spoken}.")
    if rows:
        yield from ("", "| what | where | covered |", "|---|---|---|")
        yield from (f"| {row.kind} {code(row.name)} | {code(place_of(row.origin))} | {row.covered} of {row.total} |"
                    for row in rows[:MOST])
    if len(rows) > MOST:
        yield from ("", f"and {len(rows) - MOST} more")
