"""Plain data as YAML for people, with a remark behind each leaf. It reads back as exactly the same data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from guru_policy.text.scalars import NotANumber, plain_scalar
from gurucli.clean import clean

Path = tuple[str, ...]
_BARE = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_/.%+= -]*[A-Za-z0-9_/.%+=-])?")
_BLOCK = re.compile(r"(?:[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\n)+")
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


def yaml_lines(
    data: Mapping[str, JsonValue], remarks: Mapping[Path, str] | None = None, path: Path = ()
) -> Iterator[str]:
    """The lines of a block map; lists are on one line. `remarks` by the path of a leaf become comments."""
    remarks = remarks or {}
    indent = "  " * len(path)
    for key, value in data.items():
        here = (*path, key)
        head = f"{indent}{_scalar(key)}:"
        remark = f"  # {clean(remarks[here])}" if here in remarks else ""
        if isinstance(value, dict) and value:
            yield head
            yield from yaml_lines(value, remarks, here)
        elif isinstance(value, str) and _BLOCK.fullmatch(value) and not value.startswith((" ", "\n")):
            yield f"{head} |{'' if not value.endswith(chr(10) * 2) else '+'}{remark}"
            yield from (f"{indent}  {line}" if line else "" for line in value[:-1].split("\n"))
        else:
            yield f"{head} {flow(value)}{remark}"


def leaves(data: Mapping[str, JsonValue], path: Path = ()) -> Iterator[Path]:
    """The paths of everything that is not a map with entries."""
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def flow(value: JsonValue) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return _scalar(value)
    return json.dumps(value)


def _scalar(text: str) -> str:
    """A text, in quotes when it would be taken for something else."""
    try:
        bare = bool(_BARE.fullmatch(text)) and plain_scalar(text) == text
    except NotANumber:
        bare = False
    if bare:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", quoted)
