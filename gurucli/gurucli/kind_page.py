"""What may stand in a kind's field, as `guru explain KIND.PATH` shows it: offline, from the models. It asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from guru_policy.schema.describing import Described, FieldRow, describe, kinds
from gurucli.blocks import heading, indented
from gurucli.clean import clean, width
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("path", keep=True), Column("type"), Column("required"), Column("default"), Column("allowed"),
    Column("description"),
)


def is_kind(text: str) -> bool:
    """Whether the text begins with the name of a kind, as `Policy.spec.checks` and `disk_space` do."""
    return text.partition(".")[0] in kinds()


def sheet(path: str) -> Sheet:
    """The field or kind and what stands below it. NotFound when there is no such field."""
    found = describe(path)
    fields = [row._asdict() for row in found.fields]
    document = {**found._asdict(), "fields": fields}
    return Sheet([document, *fields], COLUMNS, document=document, name="path",
                 draw=lambda paper: _page(found, paper))


def _page(found: Described, paper: Paper) -> Iterator[str]:
    yield f"{paper.paint(clean(found.path), 'title')}   {paper.paint(found.type, 'dim')}"
    if found.description:
        yield from (f"  {line}" for line in _wrapped(clean(found.description), paper, 2))
    facts = [("default", "must be given" if found.required else found.default), ("one of", ", ".join(found.allowed))]
    yield from indented([[Cell(name, "dim"), Cell(value)] for name, value in facts if value], paper, keep=[True, True])
    if found.fields:
        yield from heading("Fields", paper)
        yield from _fields(found.fields, paper)


def _fields(fields: Sequence[FieldRow], paper: Paper) -> Iterator[str]:
    """A field on each line; on a narrow terminal what it is for stands below, whole."""
    rows = [_row(row) for row in fields]
    widths = [max(width(row[i].text) for row in rows) for i in range(len(rows[0]))]
    if not paper.columns or sum(widths) + 3 * len(widths) <= paper.columns:
        yield from indented(rows, paper, keep=[True, True])
        return
    for path, words, default, about in rows:
        cells = [path, words, default] if width(path.text + words.text + default.text) + 6 <= paper.columns else [
            path, default]
        yield "  " + "  ".join(paper.draw(cell) for cell in cells if cell.text)
        if len(cells) == 2:
            yield from (f"      {paper.paint(line, words.tone)}" for line in _wrapped(words.text, paper, 6))
        yield from (f"      {line}" for line in _wrapped(about.text, paper, 6))


def _wrapped(text: str, paper: Paper, by: int) -> list[str]:
    return wrap(text, max(30, paper.columns - by)) if paper.columns else [text]


def _row(row: FieldRow) -> list[Cell]:
    default = "required" if row.required else row.default
    words = ", ".join(row.allowed) if row.allowed and row.type.endswith("word") else row.type
    return [Cell(row.path), Cell(words, "dim"), Cell(default, "good" if row.required else ""),
            Cell(clean(row.description))]
