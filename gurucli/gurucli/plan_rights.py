"""Who gains and who loses what by a plan, for a terminal. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers_rights import RightsDiffer
from gurucli.clean import clean
from gurucli.human import plural
from gurucli.paper import Paper, Tone

SHOWN = 5                               # verbs of one subject, without -o wide


def rights_lines(rights: Sequence[RightsDiffer], paper: Paper, *, everything: bool) -> Iterator[str]:
    """A line for each subject and scope, then what it gains and what it loses."""
    for one in rights:
        yield f"  {clean(one['subject'])} in {clean(one['scope'])}"
        sides: tuple[tuple[str, Tone, list[str]], ...] = (("+", "good", one["gains"]), ("-", "bad", one["loses"]))
        for sign, tone, words in sides:
            shown = words if everything else words[:SHOWN]
            yield from (f"    {paper.paint(f'{sign} {clean(word)}', tone)}" for word in shown)
            if len(words) > len(shown):
                yield paper.paint(f"    and {plural(len(words) - len(shown), 'right')} more; -o wide shows them", "dim")
