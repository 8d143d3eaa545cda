"""One value as it would be written in YAML's flow style: clean, and on one line. Pure text."""

from __future__ import annotations

import json

from gurucli.clean import clean


def value(item: object) -> str:
    """The text; a string stands without quotes where that can be read."""
    if isinstance(item, str):
        text = clean(item)
        return text if text and text == item.strip() else clean(json.dumps(item, ensure_ascii=False))
    return clean(json.dumps(item, ensure_ascii=False))
