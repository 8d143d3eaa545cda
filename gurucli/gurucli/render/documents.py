"""JSON, NDJSON and YAML. Everything but ASCII is escaped, so that no reader of them is moved by what they
hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from gurucli.sheet import as_json


def json_document(document: Mapping[str, object]) -> str:
    """One document, indented."""
    return _escaped(json.dumps(document, indent=2, default=as_json))


def compact(value: object) -> str:
    """One value on one line."""
    return _escaped(json.dumps(value, separators=(",", ":"), default=as_json))


def ndjson(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """One object a line."""
    return (compact(row) for row in rows)


def yaml_document(document: Mapping[str, object]) -> str:
    """One YAML document without its markers."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(as_json(document), Dumper=dumper, sort_keys=False, allow_unicode=False, width=1000)
    return text.rstrip("\n")


def _escaped(text: str) -> str:
    return text.replace("\x7f", "\\u007f")          # json.dumps escapes all of the others
