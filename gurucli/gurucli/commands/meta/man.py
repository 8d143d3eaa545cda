"""`guru man`: writes the manual pages to where `man` looks for them. It shows none itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import GuruError
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.paper import Paper
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (Column("name", "PAGE", keep=True), Column("file", keep=True))
EXAMPLES = (
    ("guru man", "then `man guru`, `man guru-device-list` and so on"),
    ("guru man --out build/man1", "for a package"),
)


def run(
    ctx: typer.Context,
    folder: Annotated[str, typer.Option(
        "--out", metavar="DIR", show_default=False,
        help="The folder to write to; without it ~/.local/share/man/man1.")] = "",
) -> None:
    """Write the manual pages, one for each command.

    They are made from the commands of this very version. Write them again after an update.
    """
    from gurucli.manual import pages

    cli: Cli = ctx.obj
    place = Path(folder) if folder else cli.environment.home / ".local/share/man/man1"
    rows: list[Row] = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in pages():
            (place / name).write_text(text, encoding="utf-8")
            rows.append({"name": name.removesuffix(".1"), "file": str(place / name)})
    except OSError as cause:
        raise GuruError(f"{clean(str(place))} cannot be written: {cause.strerror}") from cause

    def told(paper: Paper) -> list[str]:
        words = f"wrote {plural(len(rows), 'page')} to {clean(str(place))}; man guru shows the first"
        return [paper.paint(paper.marked(words, "good"), "good")]

    cli.out.result(Sheet(rows, COLUMNS, draw=told))
