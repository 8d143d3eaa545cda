"""The audit log as a stream, from a server or from a file, and whether it holds. It believes only the given keys.

In a stream every checkpoint stands behind its row, and the root, if any, before the first one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from guru_policy.errors import InputInvalid
from guru_wire.audit_chain import (
    Break,
    Checkpoint,
    Entry,
    Position,
    denied,
    followed,
    genuine,
    read_line,
    unfinished,
)
from gurucli.answers import Json
from gurucli.answers_audit import AuditExport
from gurucli.client import Client

LINE = 64 << 10                         # characters of a line that are read
PAGE = 5000
WRITE = "write it with `guru audit export -o ndjson > FILE`"
Item = Mapping[str, object]
Marks = Mapping[int, list[Checkpoint]]


@dataclass(slots=True)
class Followed:
    """How far a stream was followed. `keys` are those that signed; `signed` is the row of the newest checkpoint."""

    at: Position = field(default_factory=Position)
    rows: int = 0
    checkpoints: int = 0
    signed: int = 0
    keys: set[str] = field(default_factory=set)
    broken: Break | None = None


def stream(server: Client) -> Iterator[dict[str, object]]:
    """Everything that the server has: a `type` of root, row or checkpoint, and its fields."""
    cursor = ""
    while True:
        page = server.get(AuditExport, "/audit/export", limit=PAGE, cursor=cursor)
        root = page.get("root")
        if root:
            yield {"type": "root", **root}
        marks: dict[int, list[object]] = {}
        for mark in page["checkpoints"]:
            marks.setdefault(mark["seq"], []).append(mark)
        for row in page["entries"]:
            yield {"type": "row", **row}
            for found in marks.get(row["seq"], ()):
                yield {"type": "checkpoint", **cast("dict[str, object]", found)}
        cursor = page.get("next") or ""
        if not cursor:
            return


def read(path: Path) -> Iterator[Item]:
    """The same from a file that `guru audit export` wrote as ndjson or csv; InputInvalid for any other."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            first = file.read(1)
            file.seek(0)
            if first == "{":
                while line := file.readline(LINE):
                    yield _object(path, line)
            else:
                for row in csv.DictReader(file):
                    yield _object(path, row.get("entry") or "")
    except OSError as cause:
        raise InputInvalid(f"{path} cannot be read: {cause.strerror}", hint=WRITE) from cause


def anchored(path: Path) -> dict[str, dict[int, list[Checkpoint]]]:
    """The checkpoints of an anchor by tenant and row; lines of other kinds are passed over."""
    found: dict[str, dict[int, list[Checkpoint]]] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            while line := file.readline(LINE):
                if line.startswith("{"):
                    try:
                        mark = read_line(line)
                    except InputInvalid:
                        continue        # cut off while it was written; the next line holds it again
                    found.setdefault(mark.tenant, {}).setdefault(mark.seq, []).append(mark)
    except OSError as cause:
        raise InputInvalid(f"{path} cannot be read: {cause.strerror}", hint="give the file of the anchor") from cause
    return found


def follow(items: Iterable[Item], keys: Collection[str], outside: Mapping[str, Marks]) -> Followed:
    """Follow a stream to its end or to the first row that does not hold.

    Without `keys` every checkpoint's own key counts, so that only a later comparison can tell whose they are.
    `outside` are the checkpoints of anchors, by tenant; theirs are looked at when their row is reached.
    """
    state, begun = Followed(), False
    marks: Marks = {}
    for item in items:
        if not begun:
            marks = outside.get(str(item.get("tenant")), {})
            false = next((one for held in marks.values() for one in held if not _counts(one, keys)), None)
            if false is not None:
                state.broken = Break(false.seq, f"the anchor's checkpoint of row {false.seq} is not signed by a key"
                                                " that may")
                return state
            state.keys |= {one.key for held in marks.values() for one in held}
            begun = True
        state.broken = _row(state, item, marks) if item.get("type") == "row" else _mark(state, item, keys, marks)
        if state.broken is not None:
            return state
    state.broken = unfinished(state.at, marks)
    return state


def _row(state: Followed, item: Item, marks: Marks) -> Break | None:
    entry = _entry(item)
    reached = followed(state.at, [entry], marks)
    if isinstance(reached, Break):
        return reached
    state.at, state.rows = reached, state.rows + 1
    return None


def _mark(state: Followed, item: Item, keys: Collection[str], marks: Marks) -> Break | None:
    mark = read_line(json.dumps(dict(item)))
    if not _counts(mark, keys):
        return Break(mark.seq, f"the checkpoint of row {mark.seq} is not signed by a key that may")
    state.keys.add(mark.key)
    state.checkpoints += 1
    if item.get("type") == "root" and not state.rows:
        state.at = Position(mark.seq, mark.hash)
    elif mark.seq != state.at.seq:
        why = f"a checkpoint of row {mark.seq} stands behind row {state.at.seq}: rows are missing, or moved"
        return Break(min(mark.seq, state.at.seq + 1), why)
    state.signed = mark.seq
    return denied(state.at, {**marks, mark.seq: [*marks.get(mark.seq, ()), mark]})


def _counts(mark: Checkpoint, keys: Collection[str]) -> bool:
    return genuine(mark, keys or {mark.key})


def _entry(item: Item) -> Entry:
    try:
        values = {name: item.get(name, "") for name in Entry._fields}
        return Entry(**{  # type: ignore[arg-type]  # by name: two are numbers
            name: int(cast("int", value)) if name in ("seq", "at") else str(value) for name, value in values.items()
        })
    except (TypeError, ValueError) as cause:
        raise InputInvalid("a row of the export is not one", hint="was the file altered or cut?") from cause


def _object(path: Path, line: str) -> Item:
    try:
        item: Json = json.loads(line)
    except (ValueError, RecursionError) as cause:
        raise InputInvalid(f"{path} holds a line that is not JSON", hint=WRITE) from cause
    if not isinstance(item, dict) or item.get("type") not in ("root", "row", "checkpoint"):
        raise InputInvalid(f"{path} is not an export of the audit log", hint=WRITE)
    return item
