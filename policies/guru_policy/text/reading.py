"""YAML bytes to documents with places, strictly. It reads no file and never raises for bad content.

libyaml (through PyYAML's CParser) makes the events; everything above them is ours: YAML 1.2 scalars, no
duplicate or merge keys, no tags, bounded depth, and aliases counted at their full size and length.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml._yaml import CParser

from guru_policy.faults import Fault, Origin, enough
from guru_policy.quantities import shown
from guru_policy.text.nodes import Node, Value
from guru_policy.text.scalars import NotANumber, plain_scalar
from guru_policy.tree import MAX_YAML

MAX_DEPTH = 64
MAX_NODES = 100_000                     # of one file, each alias counted at the size of what it repeats

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


class Reading(NamedTuple):
    """What a file holds: its documents without the empty ones, and its faults."""

    documents: tuple[Node, ...]
    faults: tuple[Fault, ...]


class _Stop(Exception):
    """The file cannot be read any further; carries the fault."""

    def __init__(self, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.column, self.message, self.hint = line, column, message, hint


def read_yaml(path: str, data: bytes) -> Reading:
    """The documents of one file; `path` only names it in faults."""
    try:
        text = _decoded(data)
    except _Stop as stop:
        return Reading((), (Fault(Origin(path, stop.line, stop.column), stop.message, stop.hint),))
    reader = _Reader(path, text)
    try:
        reader.read()
    except _Stop as stop:
        reader.fault(stop.line, stop.column, stop.message, stop.hint)
    except MarkedYAMLError as cause:
        reader.faults.append(_syntax(path, text, cause))
    except YAMLError as cause:
        reader.fault(0, 0, f"this is not YAML: {shown(str(cause))}")
    return Reading(tuple(reader.documents), tuple(reader.faults))


def _decoded(data: bytes) -> str:
    if len(data) > MAX_YAML:
        raise too_large(len(data))
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as cause:
        before = data[: cause.start]
        line = before.count(b"\n") + 1
        column = cause.start - (before.rfind(b"\n") + 1) + 1
        raise _Stop(
            line, column, f"byte 0x{data[cause.start]:02X} at position {cause.start} is not UTF-8",
            "save the file as UTF-8",
        ) from cause
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
        raise _Stop(line, column, f"the control character U+{ord(found[0]):04X} is not allowed", "remove it")
    return text


def too_large(size: int) -> _Stop:
    """The fault of a file over the limit."""
    return _Stop(0, 0, f"the file has {size:,} bytes; a YAML file may have {MAX_YAML:,}", "split it")


class _Reader:
    """One pass over the events of one file."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.parser = CParser(text)
        self.documents: list[Node] = []
        self.faults: list[Fault] = []
        self.anchors: dict[str, tuple[Value, int, int, int]] = {}   # value, its size, its height, its characters
        self.count = 0
        self.characters = 0             # of all texts
        self.lowest = 0                 # the greatest depth seen so far

    def fault(self, line: int, column: int, message: str, hint: str = "") -> None:
        if not enough(self.faults):
            self.faults.append(Fault(Origin(self.path, line, column), message, hint))

    def read(self) -> None:
        while not isinstance(event := self.next(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                self.anchors = {}
                first = self.next()
                value = self.value(first, 0)
                if value is not None:
                    self.documents.append(Node(value, *_place(first), *_place(first)))

    def next(self) -> Event:
        event = self.parser.get_event()
        if event is None:
            raise _Stop(0, 0, "this is not YAML: it ends too early")
        return event

    def value(self, event: Event, depth: int) -> Value:
        """The value that begins with `event`; reads up to its end."""
        self.count += 1
        if self.count > MAX_NODES:
            raise self.stop(event, f"the file has more than {MAX_NODES:,} values, aliases counted in full")
        if isinstance(event, AliasEvent):
            return self.alias(event, depth)
        before, said, above = self.count, self.characters, self.lowest
        self.lowest = depth
        if not isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
            raise self.stop(event, "this is not YAML: a value is missing")
        if event.tag is not None:
            raise self.stop(event, f"the tag {shown(event.tag)} is not allowed", "write the plain value")
        if isinstance(event, ScalarEvent):
            value: Value = self.scalar(event)
        elif depth >= MAX_DEPTH:
            raise self.stop(event, f"values are nested more than {MAX_DEPTH} deep")
        elif isinstance(event, SequenceStartEvent):
            value = self.items(depth + 1)
        else:
            value = self.entries(depth + 1)
        if event.anchor is not None:
            size, characters = self.count - before, self.characters - said
            self.anchors[event.anchor] = value, size, self.lowest - depth, characters
        self.lowest = max(self.lowest, above)
        return value

    def alias(self, event: AliasEvent, depth: int) -> Value:
        known = self.anchors.get(event.anchor or "")
        if known is None:
            raise self.stop(event, f"the alias {shown(f'*{event.anchor}')} has no anchor above it")
        value, size, height, characters = known
        if depth + height > MAX_DEPTH:
            raise self.stop(event, f"values are nested more than {MAX_DEPTH} deep")
        self.lowest = max(self.lowest, depth + height)
        self.count += size
        if self.count > MAX_NODES:
            raise self.stop(event, f"aliases make the file larger than {MAX_NODES:,} values", "write it out")
        self.characters += characters
        if self.characters > MAX_YAML:
            raise self.stop(event, f"aliases make the file longer than {MAX_YAML:,} characters", "write it out")
        return value

    def items(self, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            place = _place(event)
            found.append(Node(self.value(event, depth), *place, *place))
        return found

    def entries(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self.next(), MappingEndEvent):
            key_place = _place(event)
            key = self.key(event)
            event = self.next()
            node = Node(self.value(event, depth), *_place(event), *key_place)
            first = found.setdefault(key, node)
            if first is not node:
                self.fault(
                    node.key_line, node.key_column,
                    f"the key {shown(key)} is already set in line {first.key_line}", "keep one of the two",
                )
        return found

    def key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent):
            raise self.stop(event, "a key must be a word, not a list, a map or an alias")
        if event.tag is not None:
            raise self.stop(event, f"the tag {shown(event.tag)} is not allowed", "write the plain value")
        key: str = event.value
        self.characters += len(key)
        if event.implicit[0] and key == "<<":
            raise self.stop(event, "merge keys (`<<`) are not allowed", "layers merge: write each value once")
        if not key or _ESCAPED.search(key):
            raise self.stop(event, "a key is empty or holds control characters")
        return key

    def scalar(self, event: ScalarEvent) -> str | int | float | bool | None:
        text: str = event.value
        self.characters += len(text)
        if event.implicit[0]:
            try:
                return plain_scalar(text)
            except NotANumber as cause:
                self.fault(*_place(event), f"{shown(text)}: {cause}", "quote it to mean text")
                return text
        if event.style == '"' and (found := _ESCAPED.search(text)):
            raise self.stop(event, f"the control character U+{ord(found[0]):04X} is not allowed")
        return text

    def stop(self, event: Event, message: str, hint: str = "") -> _Stop:
        return _Stop(*_place(event), message, hint)


def _place(event: Event) -> tuple[int, int]:
    """Line and column of an event, counting from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)


def _syntax(path: str, text: str, cause: MarkedYAMLError) -> Fault:
    """libyaml's complaint in our words."""
    mark = cause.problem_mark or cause.context_mark
    if mark is None:
        return Fault(Origin(path), f"this is not YAML: {cause.problem}")
    origin = Origin(path, mark.line + 1, mark.column + 1)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "cannot start any token" in (cause.problem or "") and line[mark.column : mark.column + 1] == "\t":
        return Fault(origin, "a tab cannot indent", "use spaces")
    if "mapping values are not allowed" in (cause.problem or ""):
        return Fault(origin, "a second `:` stands in one line", "quote the value, or begin a new line")
    context = f" {cause.context}" if cause.context else ""
    return Fault(origin, f"this is not YAML:{context}{',' if context else ''} {cause.problem}")
