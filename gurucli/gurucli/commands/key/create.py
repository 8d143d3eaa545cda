"""`guru key create`: the one time an API key's text is shown; it is never written anywhere by us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers_rights import KeyCreated
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import span
from gurucli.keying import AddressesOption, PlaceOption, TtlOption, VerbsOption, asked
from gurucli.paper import Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("key", keep=True), Column("row.id", "ID"), Column("row.name"), Column("row.scope"), Column("row.verbs"),
    Column("row.expires_at", "EXPIRES", time=True),
)
EXAMPLES = (
    ("guru key create ci --ttl 90d", "what bindings give to key:ci"),
    ("guru key create wiki --verb device.read --scope customers/acme", "no more than that"),
    ("guru key create ci --address 203.0.113.0/24 -o jsonpath=.key", "the key alone, for a script"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in bindings: key:NAME.", show_default=False)],
    ttl: TtlOption = "90d",
    verb: VerbsOption = None,
    scope: PlaceOption = "org",
    address: AddressesOption = None,
) -> None:
    """Make an API key for a program.

    What it may do is what the bindings in the repository give to key:NAME, and never more than you may. The key
    is shown once. It opens no shell.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(KeyCreated, "/keys", asked(name, ttl, verb, scope, address))
    cli.out.result(Sheet([made], COLUMNS, document=made, draw=lambda paper: _page(made, paper), name="key"))


def _page(made: KeyCreated, paper: Paper) -> Iterator[str]:
    row = made["row"]
    expires = row["expires_at"]
    left = span(expires / 1000 - paper.now) if expires is not None else "ever"
    yield clean(made["key"])
    yield ""
    yield paper.paint(clean(f"key:{row['name']} in {row['scope']}, good for {left}; shown this once"), "dim")
    yield paper.paint(clean(f"to end it:  guru key revoke {row['id']}"), "dim")
