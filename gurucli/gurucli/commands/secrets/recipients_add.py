"""`guru secrets recipients add`: a recipient into the YAML of Secrets. It encrypts nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import Conflict, InputInvalid
from gurucli.cli import Cli
from gurucli.parameters import FolderOption, ScopeOption, SecretOption
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("secret", keep=True), Column("path", keep=True), Column("state"))
EXAMPLES = (
    ("guru secrets recipients add guru server", "the server's own key, asked of the server"),
    ("guru secrets recipients add ada age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "a person"),
    ("guru secrets recipients add ada age1... --scope customers/acme", "for the secrets of one customer"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, for people.", show_default=False)],
    key: Annotated[str, typer.Argument(
        metavar="KEY", help="An age public key, or `server`: the key of the server in use.", show_default=False)],
    scope: ScopeOption = "",
    secret: SecretOption = None,
    folder: FolderOption = "",
) -> None:
    """Add a recipient to secrets, in their YAML.

    Comments stay. The files are as they were: `guru secrets rotate` encrypts them for the new list.
    """
    cli: Cli = ctx.obj
    from pydantic import TypeAdapter, ValidationError

    from guru_policy.kinds.secret import Recipient
    from guru_policy.quantities import ItemId
    from gurucli.recipients_editing import edit, with_recipient
    from gurucli.secret_files import Repository
    from gurucli.server_recipient import server_recipient

    repository = Repository(folder)
    chosen = repository.chosen(scope, secret or ())
    value = server_recipient(cli) if key == "server" else key
    for adapter, text, what in ((TypeAdapter(ItemId), name, "name"), (TypeAdapter(Recipient), value, "age public key")):
        try:
            adapter.validate_python(text)
        except ValidationError as cause:
            raise InputInvalid(f"{text[:80]!r} is no {what}", hint="copy it again, whole") from cause
    for held in chosen:
        if held.spec.recipients.get(name, value) != value:
            raise Conflict(f"{held.item.origin}: {name} is the name of another key in {held.name}",
                           hint=f"guru secrets recipients rm {name}, or choose another name")
    missing = [held for held in chosen if value not in held.spec.recipients.values()]

    edit(repository, missing, lambda path, data, names: with_recipient(path, data, names, name, value))
    rows = [{"secret": held.name, "path": held.item.path, "state": "added" if held in missing else "there already"}
            for held in chosen]
    cli.out.result(Sheet(rows, COLUMNS, name="secret"))
    if missing:
        cli.out.note("now encrypt the files for the new list: guru secrets rotate")
