"""What verbs about held devices share: the columns, and how an answer is told. It asks nobody."""

from __future__ import annotations

from gurucli.answers_admission import Admitted
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, Row, record

COLUMNS = (
    Column("device", "ID", keep=True), Column("name", keep=True), Column("customer"), Column("site"), Column("held"),
)
PENDING = (
    Column("id", "ID", keep=True), Column("name", keep=True), Column("customer"), Column("site"),
    Column("held", "STATE", keep=True), Column("why"), Column("since", "SINCE", time=True),
    Column("alike", wide=True), Column("hardware", wide=True), Column("enrolled_by", "TOKEN", wide=True),
    Column("public_key", wide=True),
)


def tell(cli: Cli, done: Admitted, word: str) -> None:
    """Say what became of the device."""
    name = clean(f"{done['customer']}/{done['site']}/{done['name']}")

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"{word} {name}", "good"), "good")]

    cli.out.result(record(done, COLUMNS, told, name=_full))


def _full(row: Row) -> str:
    return f"{row['customer']}/{row['site']}/{row['name']}"
