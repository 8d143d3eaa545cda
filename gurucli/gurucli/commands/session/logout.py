"""`guru logout`: forgets a context on this computer. The token stays good at the server."""

from __future__ import annotations

import typer

from guru_policy.errors import GuruError, NotSignedIn
from gurucli import contexts
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", "CONTEXT", keep=True), Column("url", keep=True))
EXAMPLES = (
    ("guru logout", "the context in use"),
    ("guru logout --context prod", "another one"),
)


def run(ctx: typer.Context) -> None:
    """Forget a server; a session is ended there, too.

    A token is only forgotten by this computer. To end it, have an administrator revoke it at the server.
    """
    cli: Cli = ctx.obj
    config = contexts.load(cli.environment.config)
    name = cli.options.context or cli.environment.context or config.current
    if not name:
        raise NotSignedIn("no server is in use, so there is none to forget",
                          hint="`guru context list` shows them")
    gone = config.named(name)
    if gone.session:
        _end(cli, gone)
    contexts.save(cli.environment.config, config.without(name))

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"forgot {clean(gone.name)} ({clean(gone.url)})", "good"), "good")]

    cli.out.result(record({"name": gone.name, "url": gone.url}, COLUMNS, told))


def _end(cli: Cli, context: contexts.Context) -> None:
    """End the session at the server; what is kept here goes in any case."""
    store = contexts.store_of(cli.environment, context)
    try:
        with cli.client(context) as server:
            server.call("DELETE", "/sessions/current")
    except GuruError as error:
        cli.out.note(f"the server was not told: {clean(error.message)}")
    store.forget()
