"""`guru client create`: the one time that an OAuth client's secret is shown; it is never written anywhere by us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers_rights import ClientCreated
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.keying import AddressesOption, PlaceOption, TtlOption, VerbsOption, asked
from gurucli.paper import Paper
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("client_id", "CLIENT", keep=True), Column("client_secret", "SECRET", keep=True), Column("row.name"),
    Column("row.scope"), Column("row.verbs"), Column("row.expires_at", "EXPIRES", time=True),
)
EXAMPLES = (
    ("guru client create wiki --verb device.read --scope customers/acme", "what bindings give to client:wiki, of that"),
    ("guru client create psa --ttl 365d --address 203.0.113.0/24", "only from there"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in bindings: client:NAME.", show_default=False)],
    ttl: TtlOption = "90d",
    verb: VerbsOption = None,
    scope: PlaceOption = "org",
    address: AddressesOption = None,
) -> None:
    """Make an OAuth client for another product.

    It fetches short tokens by itself, with its secret. What it may do is what the bindings in the repository give to
    client:NAME, and never more than you may. The secret is shown once. It opens no shell.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(ClientCreated, "/clients", asked(name, ttl, verb, scope, address))

    def page(paper: Paper) -> Iterator[str]:
        yield f"client_id      {clean(made['client_id'])}"
        yield f"client_secret  {clean(made['client_secret'])}"
        yield paper.paint(clean(f"client:{made['row']['name']} in {made['row']['scope']}; shown this once"), "dim")
        yield paper.paint(clean(f"tokens: {cli.context.url}/api/v1/token, grant_type=client_credentials"), "dim")
        yield paper.paint(clean(f"to end it:  guru client revoke {made['client_id']}"), "dim")

    cli.out.result(Sheet([made], COLUMNS, document=made, draw=page, name="client_id"))
