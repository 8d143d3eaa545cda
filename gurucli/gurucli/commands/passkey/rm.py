"""`guru passkey rm`: a passkey signs nobody in any more."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers_people import PasskeySeen
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.passkey.columns import COLUMNS
from gurucli.sheet import Row, record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru passkey rm 4f1c09a2", "the beginning of its id is enough"),
    ("guru passkey list -o name", "names their ids"),
)


def run(
    ctx: typer.Context,
    ident: Annotated[str, typer.Argument(metavar="PASSKEY", help="As `guru passkey list` shows it.",
                                         show_default=False)],
) -> None:
    """Remove one of your passkeys.

    It takes a fresh second factor. What stays in the authenticator is worth nothing here any more.
    """
    cli: Cli = ctx.obj
    gone = cli.server.delete(PasskeySeen, f"/account/passkeys/{part(ident)}")
    cli.out.result(record(cast("Row", gone), COLUMNS, name="id"))
