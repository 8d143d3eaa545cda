"""The programs on PATH that add a command: `guru-foo` is `guru foo`. It looks at names, and runs nothing.

Standard library only, and nothing that is slow: TAB waits for this.
"""

from __future__ import annotations

import os

START = "guru-"
OURS = frozenset(("agent", "server", "complete", "help"))       # programs of our own, and a word that is taken
MOST = 200                              # programs that are listed
LONGEST = 32                            # letters of a word
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def programs(path: str, taken: frozenset[str]) -> dict[str, str]:
    """The words that programs add, sorted, with their files. As in a shell the first folder of PATH wins.

    `taken` are words that a command of guru's own has. Relative folders are left out: what lies in the current
    folder may be anybody's.
    """
    found: dict[str, str] = {}
    for folder in path.split(os.pathsep):
        if os.path.isabs(folder):       # noqa: PTH117 - as in names.py
            for word, file in _inside(folder):
                if word not in taken and word not in OURS:
                    found.setdefault(word, file)
    return dict(sorted(found.items())[:MOST])


def program(path: str, word: str) -> str:
    """The file of one word; empty when there is none."""
    if not is_word(word) or word in OURS:
        return ""
    files = (f"{folder}/{START}{word}" for folder in path.split(os.pathsep) if os.path.isabs(folder))     # noqa: PTH117
    return next((file for file in files if _runs(file)), "")


def is_word(text: str) -> bool:
    """Whether the text can be a word of a command line that is not guru's own: a letter, then letters, digits, -."""
    return 0 < len(text) <= LONGEST and _LETTERS.issuperset(text) and text[0].isalpha()


def _inside(folder: str) -> list[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            named = [entry.name for entry in entries if entry.name.startswith(START)]
    except OSError:
        return []
    words = ((name[len(START):], f"{folder}/{name}") for name in named)
    return [(word, file) for word, file in words if is_word(word) and _runs(file)]


def _runs(file: str) -> bool:
    return os.path.isfile(file) and os.access(file, os.X_OK)           # noqa: PTH113
