"""The one door to stdout and stderr: results out of the first, everything else out of the second.

Text that came from elsewhere is cleaned here or by the renderers; nothing is ever passed through markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from guru_policy.errors import GuruError, PolicyInvalid, UsageWrong
from gurucli.clean import clean, clean_lines
from gurucli.paper import Paper
from gurucli.sheet import Row, Sheet, as_json, picked

FORMS = ("table", "wide", "json", "ndjson", "yaml", "csv", "name", "jsonpath", "tsv")
DOCUMENTS = ("json", "ndjson", "yaml")
API_VERSION = "guru/v1"
CHUNK = 500                             # lines written at once


@dataclass(frozen=True, slots=True)
class Form:
    """How a result is printed; `auto` is a table on a terminal and tab-separated rows in a pipe."""

    kind: str = "auto"
    expression: str = ""                # of jsonpath


def parse_form(text: str) -> Form:
    """The format that -o asks for; UsageWrong with a suggestion for one that does not exist."""
    kind, _, expression = text.partition("=")
    if kind == "jsonpath":
        if not expression:
            raise UsageWrong("-o jsonpath needs an expression",
                             hint="write it like -o jsonpath=.items[*].name")
        return Form(kind, expression)
    if kind in FORMS and not expression:
        return Form(kind)
    from difflib import get_close_matches

    near = get_close_matches(kind, FORMS, 1)
    hint = f"did you mean {near[0]}?" if near else f"the formats are {', '.join(FORMS[:-1])}=EXPR"
    raise UsageWrong(f"there is no output format {text!r}", hint=hint)


class Out:
    """Where a command's words go."""

    def __init__(
        self, stdout: TextIO, stderr: TextIO, *, form: Form, paper: Paper, side: Paper,
        terminal: bool, fields: Sequence[str] = (), quiet: bool = False,
    ) -> None:
        self._stdout, self._stderr = stdout, stderr
        self.form, self.paper, self.side = form, paper, side
        self._terminal, self._fields, self.quiet = terminal, fields, quiet
        self.answered = False           # a result is on stdout already

    @property
    def kind(self) -> str:
        """The format in force: never `auto`."""
        if self.form.kind == "auto":
            return "table" if self._terminal else "tsv"
        return self.form.kind

    def result(self, sheet: Sheet) -> None:
        """Print what was asked for."""
        self.lines(self._rendered(sheet))
        self.answered = True

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines that are the result."""
        waiting: list[str] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) >= CHUNK:
                self._stdout.write("\n".join(waiting) + "\n")
                waiting.clear()
        if waiting:
            self._stdout.write("\n".join(waiting) + "\n")
        self._stdout.flush()

    def raw(self, data: bytes) -> None:
        """Print bytes that are the result, as they are: into a pipe or a file, never onto a terminal."""
        self._stdout.flush()
        self._stdout.buffer.write(data)
        self._stdout.flush()
        self.answered = True

    def note(self, text: str) -> None:
        """A hint or a piece of news for a person; silent with -q."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """A line on stderr whatever the options: prompts, warnings."""
        self._stderr.write(clean_lines(text) + "\n")
        self._stderr.flush()

    def write_side(self, raw: str) -> None:
        """Progress on stderr, written as it is: the caller has cleaned it."""
        self._stderr.write(raw)
        self._stderr.flush()

    def fail(self, error: GuruError) -> None:
        """Tell of an error: for people on stderr, and as the one document on stdout when that was asked for.
        """
        if self.kind in DOCUMENTS and not self.answered:
            self._document(error_document(error))
            self.answered = True
        for line in error_lines(error, self.side):
            self._stderr.write(line + "\n")
        self._stderr.flush()

    def _document(self, document: dict[str, object]) -> None:
        from gurucli.render import documents

        if self.kind == "yaml":
            self.lines([documents.yaml_document(document)])
        elif self.kind == "ndjson":
            self.lines(documents.ndjson([document]))
        else:
            self.lines([documents.json_document(document)])

    def _rendered(self, sheet: Sheet) -> Iterator[str]:
        kind = self.kind
        if kind in ("json", "yaml", "ndjson", "jsonpath"):
            yield from self._structured(sheet)
        elif kind == "name":
            yield from (sheet.named(row) for row in sheet.rows)
        elif sheet.text is not None and kind in ("table", "wide", "tsv") and not self._fields:
            yield from sheet.text(self.paper)
        elif kind in ("csv", "tsv"):
            from gurucli.render import flat

            columns = picked(sheet.columns, self._fields) if self._fields else sheet.columns
            if kind == "tsv" and self._single(sheet) and not self._fields:
                yield from flat.pairs(columns, next(iter(sheet.rows)))
            else:
                yield from (flat.csv if kind == "csv" else flat.tsv)(columns, sheet.rows)
        elif sheet.draw is not None and not self._fields:
            yield from sheet.draw(self.paper)
        else:
            yield from self._table(sheet)

    def _table(self, sheet: Sheet) -> Iterator[str]:
        from gurucli.render.table import table

        columns = picked(sheet.columns, self._fields) if self._fields else [
            column for column in sheet.columns if self.kind == "wide" or not column.wide]
        seen = False
        for line in table(columns, sheet.rows, self.paper):
            seen = True
            yield line
        if not seen and sheet.empty:
            self.note(sheet.empty)

    def _structured(self, sheet: Sheet) -> Iterator[str]:
        from gurucli.render import documents

        if self.kind == "ndjson":
            yield from documents.ndjson(self._narrow(row, sheet) for row in sheet.rows)
            return
        document = self._as_document(sheet)
        if self.kind == "json":
            yield documents.json_document(document)
        elif self.kind == "yaml":
            yield documents.yaml_document(document)
        else:
            from gurucli.render.jsonpath import jsonpath
            from gurucli.sheet import plain

            for match in jsonpath(self.form.expression)(as_json(document)):
                yield documents.compact(match) if isinstance(match, dict | list) else plain(match)

    def _as_document(self, sheet: Sheet) -> dict[str, object]:
        if sheet.document is not None:
            document = self._narrow(sheet.document, sheet) if self._single(sheet) else dict(sheet.document)
        else:
            items = [self._narrow(row, sheet) for row in sheet.rows]
            document = {"items": items, "total": len(items)}
        return {"apiVersion": API_VERSION} | document

    def _single(self, sheet: Sheet) -> bool:
        rows = sheet.rows
        return isinstance(rows, list) and len(rows) == 1 and rows[0] is sheet.document

    def _narrow(self, row: Row, sheet: Sheet) -> dict[str, object]:
        if not self._fields:
            return dict(row)
        from gurucli.sheet import dig

        return {column.key: dig(row, column.key) for column in picked(sheet.columns, self._fields)}


def error_document(error: GuruError) -> dict[str, object]:
    """An error as a document: code, message, hint, exitCode, and its faults and notes when it has any."""
    body: dict[str, object] = {
        "code": error.code, "message": error.message, "hint": error.hint, "exitCode": error.exit_code,
    }
    notes = getattr(error, "__notes__", [])
    if notes:
        body["notes"] = list(notes)
    if isinstance(error, PolicyInvalid):
        body["faults"] = [
            {**fault.origin._asdict(), "message": fault.message, "hint": fault.hint,
             "severity": fault.severity}
            for fault in error.faults]
    return {"apiVersion": API_VERSION, "error": body}


def error_lines(error: GuruError, paper: Paper, most: int = 50) -> Iterator[str]:
    """`error[CODE]: sentence`, then the hint and where to read on."""
    if isinstance(error, PolicyInvalid):
        for fault in error.faults[:most]:
            yield clean(str(fault))
        if len(error.faults) > most:
            yield f"and {len(error.faults) - most} more; `guru validate` shows them all"
    first, *more = clean_lines(error.message).split("\n")
    yield f"{paper.paint(f'error[{clean_lines(error.code)}]', 'bad')}: {first}"
    yield from ("  " + line for line in more)
    if ", column " in error.message:
        from gurucli.carets import caret

        yield from ("      " + line for line in caret(error.message))
    if error.hint:
        yield f"  {paper.paint('hint:', 'accent')} " + clean_lines(error.hint).replace("\n", "\n        ")
    notes = [clean_lines(note) for note in getattr(error, "__notes__", [])]
    yield "  " + paper.paint(paper.dot.join([f"guru explain {clean_lines(error.code)}", *notes]), "dim")
