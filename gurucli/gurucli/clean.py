"""Text from devices, tickets and repositories, made safe for a terminal. It never drops visible letters."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"                     # CSI: colours, cursor, erase (ECMA-48, 5.4)
    r"|(?:\x1b[P\]X^_]|[\x90\x9d\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"   # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"                                    # two-character escapes, and a lone ESC
)
_BLANKS = re.compile(r"[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]+")
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"   # soft hyphen, fillers, joiners
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"                   # zero width, bidirectional overrides and isolates
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"              # U+FE0F stays: it only picks the emoji form
    "\U000e0000-\U000e0fff]"                                    # tags and variation selectors
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """One line without control characters, escape sequences, or marks that reorder or hide text."""
    if text.isascii() and text.isprintable():
        return text
    text = _BLANKS.sub(" ", _ESCAPES.sub("", text))
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _HIDDEN.sub("", text))


def clean_lines(text: str) -> str:
    """As clean(), but line breaks stay: for messages that are allowed several lines."""
    return "\n".join(clean(line) for line in re.split(r"\r\n|\n|\r", text))


def width(text: str) -> int:
    """Columns that clean text takes on a terminal: East Asian wide letters two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def shorten(text: str, columns: int, mark: str = "…") -> str:
    """At most `columns` wide, ending in `mark` when something was cut."""
    if width(text) <= columns:
        return text
    room, kept = columns - width(mark), []
    for char in text:
        room -= width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + mark


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Filled with blanks up to `columns`; longer text stays whole."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks
