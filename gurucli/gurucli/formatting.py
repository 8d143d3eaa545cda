"""YAML of a fleet repository in one form: order of keys, indentation, line ends. It never changes what a file says.

Every result is read again by the language's own reader: when the meaning or a comment would differ, the file
is left as it is, and the reason is told.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import YAMLError as RoundTripError
from yaml import SafeLoader, ScalarToken, YAMLError, scan

from guru_policy.faults import Fault, Origin
from guru_policy.objects.scopes import Misplaced, scope_of
from guru_policy.text.nodes import Node, plain
from guru_policy.text.reading import read_yaml

ORDER = ("apiVersion", "kind", "metadata", "spec")
WIDTH = 120                             # columns at which a flow map or list goes on in the next line


class Formatted(NamedTuple):
    """The text a file should have; with faults it is the text that it has."""

    text: str
    faults: tuple[Fault, ...] = ()


class _Unbroken(Emitter):
    """Breaks long flow maps and lists, and never a scalar: a folded sentence is harder to find."""

    def write_plain(self, text: str, split: bool = True) -> None:
        """In one line."""
        super().write_plain(text, split=False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """In one line."""
        super().write_double_quoted(text, split=False)

    def write_single_quoted(self, text: str, split: bool = True) -> None:
        """In one line."""
        super().write_single_quoted(text, split=False)


def is_ours(path: str, data: bytes) -> bool:
    """Whether a file of the repository holds objects: one in a known folder, or one of ours at the root."""
    if not path.endswith((".yaml", ".yml")):
        return False
    try:
        scope = scope_of(path)
    except Misplaced:
        return False
    return scope is not None and (scope.level != "root" or b"apiVersion: guru/" in data)


def formatted(path: str, data: bytes) -> Formatted:
    """The file in its one form; `path` only names it in faults. Formatting twice changes nothing more."""
    reading = read_yaml(path, data)
    old = data.decode("utf-8", "replace")
    if reading.faults:
        return Formatted(old, reading.faults)
    text = old.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    meant = [plain(document) for document in reading.documents]
    if not meant:
        return Formatted(old)
    try:
        new = _tidied(path, _round_trip(_ordered(text, reading.documents)), meant)
        difference = _difference(path, text, meant, new) if new != old else ""
    except (RoundTripError, YAMLError, ValueError, AttributeError) as cause:
        return Formatted(old, (_fault(path, f"it cannot be written again: {type(cause).__name__}"),))
    if difference:
        return Formatted(old, (_fault(path, difference),))
    return Formatted(new)


def _fault(path: str, message: str) -> Fault:
    return Fault(Origin(path), f"the file was not formatted: {message}", "format it by hand", "warning")


def _difference(path: str, text: str, meant: Sequence[JsonValue], new: str) -> str:
    """What a reader would miss in the new text; empty when nothing."""
    again = read_yaml(path, new.encode())
    if again.faults or [plain(document) for document in again.documents] != meant:
        return "its meaning would change"
    if sorted(comments(text)) != sorted(comments(new)):
        return "a comment would be lost or moved into a value"
    return ""


def comments(text: str) -> list[str]:
    """Every comment of a YAML text, in its order, from `#` on."""
    return [found for found, _ in _comments(text)]


def _comments(text: str) -> Iterator[tuple[str, int]]:
    """Each comment with its line, counted from 0: what stands between the tokens, and behind `|`."""
    end = line = 0
    for token in scan(text, Loader=SafeLoader):
        start = token.start_mark.index
        yield from _gap(text[end:start], line)
        end, line = token.end_mark.index, token.end_mark.line
        if isinstance(token, ScalarToken) and token.style in ("|", ">"):
            yield from _gap(text[start:end].partition("\n")[0], token.start_mark.line)
    yield from _gap(text[end:], line)


def _gap(text: str, line: int) -> Iterator[tuple[str, int]]:
    for number, part in enumerate(text.split("\n"), line):
        if "#" in part:
            yield part[part.index("#"):].rstrip(), number


def _round_trip(text: str) -> str:
    yaml = round_tripper()
    return written(yaml, list(yaml.load_all(text)))


def round_tripper() -> YAML:
    """What reads a file of the repository for editing and writes it in its one form, comments kept."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.Emitter = _Unbroken
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def written(yaml: YAML, documents: Sequence[object]) -> str:
    """The text of these documents."""
    out = io.StringIO()
    yaml.dump_all(documents, out)
    return out.getvalue().strip("\n") + "\n"


def _tidied(path: str, text: str, meant: Sequence[JsonValue]) -> str:
    """The text without spaces at the ends of lines, unless a value holds them; comments stand with a neighbour."""
    bare = "\n".join(line.rstrip() for line in text.split("\n"))
    if [plain(document) for document in read_yaml(path, bare.encode()).documents] == meant:
        text = bare
    lines = text.split("\n")
    alone = {number for _, number in _comments(text) if lines[number].lstrip().startswith("#")}
    for number in sorted(alone, reverse=True):
        here = _indent(lines[number])
        above = next((_indent(one) for one in reversed(lines[:number]) if one.strip()), 0)
        below = next((_indent(one) for one in lines[number + 1:] if one.strip()), None)
        if below is not None and (here > max(above, below) or here < min(above, below)):
            lines[number] = " " * below + lines[number].lstrip()
    return "\n".join(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _ordered(text: str, documents: Sequence[Node]) -> str:
    """The text with each document's top keys in ORDER; comments right above a key move with it."""
    lines = text.split("\n")
    for document in documents:
        entries = document.value
        if not isinstance(entries, dict) or _rank_sorted(list(entries)):
            continue
        starts = {key: node.key_line - 1 for key, node in entries.items()}
        if any(node.key_column != 1 for node in entries.values()) or len(set(starts.values())) != len(starts):
            continue                    # one flow map, or keys of one line: there is nothing to move
        keys = sorted(starts, key=lambda key: starts[key])
        end = _end(lines, starts[keys[-1]] + 1)
        heads = [starts[keys[0]], *(_above(lines, starts[key]) for key in keys[1:]), end]
        chunks = {key: lines[heads[i]:heads[i + 1]] for i, key in enumerate(keys)}
        moved = [line for key in sorted(keys, key=_rank) for line in chunks[key]]
        lines[heads[0]:end] = moved
    return "\n".join(lines)


def _rank(key: str) -> int:
    return ORDER.index(key) if key in ORDER else len(ORDER)


def _rank_sorted(keys: Sequence[str]) -> bool:
    ranks = [_rank(key) for key in keys]
    return ranks == sorted(ranks)


def _above(lines: Sequence[str], start: int) -> int:
    """The first of the comment lines right above a key."""
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return start


def _end(lines: Sequence[str], start: int) -> int:
    """The line after a document's last one: before the next document's mark, or at the end."""
    while start < len(lines):
        line = lines[start]
        if line.startswith(("---", "...")):
            break
        start += 1
    while start > 0 and not lines[start - 1].strip():
        start -= 1
    return start
