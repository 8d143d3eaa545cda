"""`did you mean` for a misspelled word. It only ever suggests words that are allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from guru_policy.quantities import shown

LONGEST = 100                           # characters of a word that somebody may have misspelled


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """A hint: the nearest allowed word, else all of them when they are few, else nothing."""
    words = sorted(set(allowed))
    by_lower = {candidate.lower(): candidate for candidate in words}
    folded = word.lower().replace("_", "").replace("-", "")
    for candidate in words:
        if candidate.lower().replace("_", "").replace("-", "") == folded:
            return f"did you mean {shown(candidate)}?"
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6) if len(word) <= LONGEST else ()
    if near:
        return f"did you mean {shown(by_lower[near[0]])}?"
    if 0 < len(words) <= 12:
        return "one of " + ", ".join(words)
    return ""
