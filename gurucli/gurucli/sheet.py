"""A result and its columns: one description from which every output format is made. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guru_policy.errors import UsageWrong
from gurucli.clean import clean
from gurucli.human import ago, stamp
from gurucli.paper import Cell, Paper

if TYPE_CHECKING:
    from gurucli.answers import Json

Row = Mapping[str, object]
Show = Callable[[Row, Paper], Cell]
Draw = Callable[[Paper], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row. `key` is its dotted path in the JSON, and its name in --fields."""

    key: str
    title: str = ""
    show: Show | None = None            # how a table shows it; default: the value as it is
    time: bool = False                  # ms UTC: an age in tables, ISO 8601 in csv and pipes
    wide: bool = False                  # only with -o wide (and in every machine format)
    keep: bool = False                  # never shortened on a narrow terminal
    right: bool = False

    @property
    def heading(self) -> str:
        """The title above the column."""
        return self.title or self.key.rpartition(".")[2].replace("_", " ").upper()

    def cell(self, row: Row, paper: Paper) -> Cell:
        """What a table shows."""
        if self.show is not None:
            return self.show(row, paper)
        value = dig(row, self.key)
        if self.time:
            return Cell(ago(value, paper.now) if isinstance(value, int) else "-")
        text = plain(value)
        return Cell(text) if text else Cell("-", "dim")

    def text(self, row: Row) -> str:
        """What a pipe or a spreadsheet gets."""
        value = dig(row, self.key)
        return stamp(value) if self.time and isinstance(value, int) else plain(value)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A result: the document for JSON and YAML, its rows for flat formats, its looks for a terminal.

    Without `document` the rows are the document's items. `draw` replaces the table on a terminal.
    """

    rows: Iterable[Row]
    columns: Sequence[Column]
    document: Mapping[str, object] | None = None
    draw: Draw | None = None
    name: str | Callable[[Row], str] = "name"
    text: Draw | None = None            # words that stand for the table and for tab-separated rows alike
    empty: str = ""                     # said on stderr when a terminal would see no rows

    def named(self, row: Row) -> str:
        """The row's name: what other commands take for it."""
        return clean(self.name(row) if callable(self.name) else plain(dig(row, self.name)))


def dig(row: object, key: str) -> object:
    """The value at a dotted path; None when there is none. Keys that hold dots themselves are found too."""
    if not isinstance(row, dict | Mapping):
        return None
    if key in row:
        return row[key]
    cut = key.find(".")
    while cut != -1:
        if key[:cut] in row:
            return dig(row[key[:cut]], key[cut + 1:])
        cut = key.find(".", cut + 1)
    return None


_WORDS = frozenset({str, int, float, bool, type(None)})     # JSON values that are one word by themselves


def plain(value: object) -> str:
    """A JSON value as one clean word or line; empty for null."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict | list | tuple | Mapping):
        members = value.values() if isinstance(value, dict | Mapping) else value
        if not _WORDS.issuperset(map(type, members)):
            from gurucli.render.documents import compact

            return clean(compact(value))
        if isinstance(value, dict | Mapping):
            return ",".join([f"{clean(str(key))}={plain(member)}" for key, member in value.items()])
        return ",".join(plain(member) for member in value)
    return clean(str(value))


def picked(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    """The columns with these names, in this order; UsageWrong with a suggestion for any other."""
    known = {column.key: column for column in columns}
    found = []
    for name in names:
        parent = name.split(".")[0]
        if name in known:
            found.append(known[name])
        elif parent in known:
            found.append(Column(name, keep=True))       # one member of a field, such as labels.op/role
        else:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageWrong(f"there is no field {name!r}", hint=hint + "`--fields help` lists them")
    return found


def record(document: Mapping[str, object], columns: Sequence[Column], draw: Draw | None = None,
           name: str | Callable[[Row], str] = "name") -> Sheet:
    """A result that is one thing, not a list."""
    return Sheet([document], columns, document=document, draw=draw, name=name)


def as_json(value: object) -> Json:
    """The same value as bare JSON types: mappings become dicts, sequences lists."""
    if isinstance(value, Mapping):
        return {str(key): as_json(member) for key, member in value.items()}
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, Iterable):
        return [as_json(member) for member in value]
    return str(value)
