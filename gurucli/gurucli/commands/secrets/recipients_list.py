"""`guru secrets recipients list`: who can open which secrets. It opens none."""

from __future__ import annotations

import typer

from gurucli.cli import Cli
from gurucli.parameters import FolderOption, OfflineOption, ScopeOption
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("name", keep=True), Column("key"), Column("scope"), Column("server"),
    Column("count", "SECRETS", right=True), Column("secrets", wide=True),
)
EXAMPLES = (
    ("guru secrets recipients list", "the server's key, and every recipient by scope"),
    ("guru secrets recipients list --scope customers/acme -o wide", "one customer's, with the secrets"),
    ("guru secrets recipients list --offline", "without asking the server for its key"),
)


def run(
    ctx: typer.Context, scope: ScopeOption = "", offline: OfflineOption = False, folder: FolderOption = "",
) -> None:
    """List who can open which secrets, the server too.

    The server's own key is there even when no Secret has it yet: what devices need is encrypted for it as well.
    """
    cli: Cli = ctx.obj
    from gurucli.secret_files import Repository
    from gurucli.server_recipient import server_recipient_or_none

    repository = Repository(folder)
    scope = scope.strip("/")
    server = None if offline else server_recipient_or_none(cli)
    found: dict[tuple[str, str, str], list[str]] = {}
    for held in repository.secrets:
        if not scope or str(held.item.key.scope) == scope:
            for name, key in held.spec.recipients.items():
                found.setdefault((str(held.item.key.scope), name, key), []).append(held.item.name)
    if server and not any(key == server for _, _, key in found):
        found[scope, "", server] = []
    rows = [
        {"name": name, "key": key, "scope": place, "server": key == server, "count": len(secrets), "secrets": secrets}
        for (place, name, key), secrets in sorted(found.items())
    ]
    cli.out.result(Sheet(rows, COLUMNS, name="key", empty="no Secret here"))
