"""Reports of faults for continuous integration, one format a file; each is a pure function to text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guru_policy.errors import GuruError, UsageWrong
from gurucli.answers import FaultLine

Report = Callable[[Sequence[FaultLine]], str]


def write_reports(wanted: Sequence[str], faults: Sequence[FaultLine], markdown: str = "",
                  junit: str = "") -> list[str]:
    """Write KIND=FILE each; `-` as the file is given back as text for stdout. `markdown` and `junit` take those
    formats' places.
    """
    own = {"markdown": markdown, "junit": junit}
    texts = []
    for item in wanted:
        kind, _, path = item.partition("=")
        text = own.get(kind) or _format(kind)(faults)
        if path == "-":
            texts.append(text)
        else:
            _write(path, text)
    return texts


def _format(kind: str) -> Report:
    if kind == "junit":
        from gurucli.reports.junit import junit

        return junit
    if kind == "sarif":
        from gurucli.reports.sarif import sarif

        return sarif
    if kind == "github":
        from gurucli.reports.github import github

        return github
    if kind == "gitlab":
        from gurucli.reports.gitlab import gitlab

        return gitlab
    from gurucli.reports.markdown import faults_markdown

    return faults_markdown


def _write(path: str, text: str) -> None:
    if not path:
        raise UsageWrong("a report needs a file", hint="write it like -o junit=report.xml")
    try:
        with open(path, "w", encoding="utf-8") as file:     # noqa: PTH123 - no pathlib for one open
            file.write(text + "\n")
    except OSError as cause:
        raise GuruError(f"{path} cannot be written: {cause.strerror}") from cause
