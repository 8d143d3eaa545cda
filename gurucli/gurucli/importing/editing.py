"""One document of a person's YAML file made to say something else: what stays keeps its place and comments.

The result is read again by the language's own reader; a file that would not say the same elsewhere is not changed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from pydantic import JsonValue
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError as RoundTripError
from ruamel.yaml.scalarstring import LiteralScalarString

from guru_policy.errors import InputInvalid
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.formatting import formatted, round_tripper


def with_document(path: str, data: bytes, number: int, wanted: JsonValue) -> bytes:
    """The file with its document of this number (from 0) saying `wanted`, in form.

    InputInvalid when that cannot be written without changing what else stands there.
    """
    meant = [plain(node) for node in read_yaml(path, data).documents]
    meant[number] = wanted
    yaml = round_tripper()
    try:
        documents = [one for one in yaml.load_all(data.decode("utf-8-sig")) if one is not None]
        here = documents[number] if len(documents) == len(meant) else None
        if not isinstance(wanted, dict) or not isinstance(here, CommentedMap):
            raise _refused(path)
        _become(here, wanted)
        out = io.StringIO()
        yaml.dump_all(documents, out)
    except (RoundTripError, ValueError, AttributeError) as cause:
        raise _refused(path) from cause
    text = out.getvalue().encode()
    if not _says(path, text, meant):
        raise _refused(path)
    return formatted(path, text).text.encode()


def document_text(path: str, data: bytes, number: int) -> bytes:
    """One document of a file as it is written there, comments above it included."""
    reading = read_yaml(path, data)
    lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    node = reading.documents[number]
    marks = [at for at, line in enumerate(lines) if line == "---" or line.startswith("--- ")]
    begin = max((at + 1 for at in marks if at < node.line - 1), default=0)
    end = min((at for at in marks if at >= node.line - 1), default=len(lines))
    text = ("\n".join(lines[begin:end]).strip("\n") + "\n").encode()
    if not _says(path, text, [plain(node)]):
        raise _refused(path)
    return text


def _says(path: str, data: bytes, meant: Sequence[JsonValue]) -> bool:
    reading = read_yaml(path, data)
    return not reading.faults and [plain(node) for node in reading.documents] == list(meant)


def _become(here: CommentedMap, wanted: dict[str, JsonValue]) -> None:
    """Make a map say what is wanted; entries that say it already are not touched."""
    for key in [key for key in here if key not in wanted]:
        del here[key]
    for key, value in wanted.items():
        known = here.get(key)
        if isinstance(known, CommentedMap) and isinstance(value, dict) and known and value:
            _become(known, value)
        elif key not in here or known != value or type(known) is bool or isinstance(value, bool):
            here[key] = LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def _refused(path: str) -> InputInvalid:
    return InputInvalid(f"{path} cannot be changed without changing what else stands there",
                        hint="bring the object over by hand; the other files are not written either")
