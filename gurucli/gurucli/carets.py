"""A caret below the place of a selector that is wrong. Pure text."""

from __future__ import annotations

import re

from gurucli.clean import clean, width

_WRONG = re.compile(r"selector `(.*)`, column (\d{1,4}): ", re.DOTALL)


def caret(message: str) -> list[str]:
    """The selector that the message quotes and a line that points into it; nothing for any other message."""
    found = _WRONG.match(message)
    if found is None:
        return []
    text, column = found[1], int(found[2])
    if not 1 <= column <= len(text) + 1:
        return []                       # the message quotes only the beginning
    return [clean(text), " " * width(clean(text[: column - 1])) + "^"]
