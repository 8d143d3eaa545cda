"""What the verbs about API keys and those about OAuth clients share: options, the wish for one, and its end."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_rights import KeyRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.commands.key.columns import COLUMNS
from gurucli.human import seconds
from gurucli.paper import Paper
from gurucli.sheet import record

TtlOption = Annotated[str, typer.Option("--ttl", metavar="TIME", help="How long it is good.")]
VerbsOption = Annotated[list[str] | None, typer.Option(
    "--verb", metavar="VERB", help="Only for this; repeatable.", show_default=False)]
PlaceOption = Annotated[str, typer.Option("--scope", metavar="SCOPE", help="Only for this place.")]
AddressesOption = Annotated[list[str] | None, typer.Option(
    "--address", metavar="NETWORK", help="Only from here; repeatable.", show_default=False)]


def asked(name: str, ttl: str, verbs: list[str] | None, scope: str, addresses: list[str] | None) -> dict[str, object]:
    """What is asked for when a key, or a client, is made."""
    return {"name": name, "ttl": int(seconds(ttl)), "verbs": verbs or [], "scope": scope, "addresses": addresses or []}


def revoke(cli: Cli, path: str) -> None:
    """End the key, or the client, at this path, and say so."""
    gone = cli.server.delete(KeyRow, path)

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"revoked {clean(gone['id'])}", "good"), "good")]

    cli.out.result(record(gone, COLUMNS, told, name="id"))
