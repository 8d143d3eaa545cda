"""Text from a device, made safe to store, log and show. Pure; it never judges what the text says."""

from __future__ import annotations

import re

# C0, DEL, C1, line and paragraph separators, and the marks that reorder or hide text (UAX #9).
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def plain(text: str, limit: int = 200) -> str:
    """At most `limit` characters on one line, with a space for every control character."""
    return _CONTROLS.sub(" ", text[: 4 * limit])[:limit]
