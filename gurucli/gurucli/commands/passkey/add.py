"""`guru passkey add`: a passkey is made in the browser, and counts once it came back here."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers_people import AttemptBegun, PasskeySeen
from gurucli.browsing import brought
from gurucli.cli import Cli
from gurucli.commands.passkey.columns import COLUMNS
from gurucli.sheet import Row, record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru passkey add", "on this machine's own authenticator, or on one that you plug in"),
    ("guru passkey add 'blue key'", "under a name, to tell it from others"),
)


def run(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(metavar="NAME", help="A name for it, for yourself.",
                                         show_default=False)] = "",
) -> None:
    """Add a passkey: it signs in by itself, and counts as a second factor.

    Your browser opens a page of the server. When you have a second factor already, it has to be fresh.
    """
    cli: Cli = ctx.obj
    done = brought(cli, lambda back: cli.server.post(
        AttemptBegun, "/account/passkeys/attempts", {**back, "label": label}), "a passkey is made in your browser")
    made = cli.server.post(PasskeySeen, "/account/passkeys", done.body)
    cli.out.result(record(cast("Row", made), COLUMNS, name="id"))
