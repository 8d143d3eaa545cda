"""JUnit XML, as Jenkins and GitLab read it: one test a faulty file, or one that passed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from gurucli.answers import FaultLine
from gurucli.blocks import place
from gurucli.clean import clean


def junit(faults: Sequence[FaultLine]) -> str:
    """One test suite `guru validate`; warnings are written but fail nothing."""
    by_path: dict[str, list[FaultLine]] = {}
    for fault in faults:
        by_path.setdefault(clean(fault["path"]), []).append(fault)
    failing = sum(any(f["severity"] == "error" for f in found) for found in by_path.values())
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuites><testsuite name="guru validate" tests="{max(len(by_path), 1)}" failures="{failing}">']
    for path, found in by_path.items():
        lines.append(f"<testcase classname=\"fleet\" name={quoteattr(path)} file={quoteattr(path)}>")
        text = "\n".join(f"{place(f)}: {clean(f['message'])}" + (f" ({clean(f['hint'])})" if f["hint"]
                                                                 else "")
                         for f in found)
        errors = [f for f in found if f["severity"] == "error"]
        if errors:
            lines.append(f"<failure message={quoteattr(clean(errors[0]['message']))}>{escape(text)}</failure>")
        else:
            lines.append(f"<system-out>{escape(text)}</system-out>")
        lines.append("</testcase>")
    if not by_path:
        lines.append('<testcase classname="fleet" name="every file"/>')
    lines.append("</testsuite></testsuites>")
    return "\n".join(lines)
