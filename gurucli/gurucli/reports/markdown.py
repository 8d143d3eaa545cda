"""Markdown for a comment on a pull request. Text from the repository stays text: nothing in it becomes
markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gurucli.answers import FaultLine
from gurucli.blocks import place
from gurucli.clean import clean
from gurucli.human import plural

MOST = 200                              # rows: forges cut longer comments
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&])")


def faults_markdown(faults: Sequence[FaultLine]) -> str:
    """A heading with the count, and a table of the faults."""
    if not faults:
        return "### guru validate: no faults"
    lines = [f"### guru validate: {plural(len(faults), 'fault')}", "", "| where | what | what to do |",
             "|---|---|---|"]
    lines += [f"| {code(place(f))} | {text(f['message'])} | {text(f['hint'])} |" for f in faults[:MOST]]
    if len(faults) > MOST:
        lines += ["", f"and {len(faults) - MOST} more"]
    return "\n".join(lines)


def text(value: str) -> str:
    """Text with every letter that Markdown would act on escaped."""
    return _MARKUP.sub(r"\\\1", clean(value))


def code(value: str) -> str:
    """Text as inline code, safe in a table."""
    return "`" + clean(value).replace("`", "'").replace("|", "\\|") + "`"
