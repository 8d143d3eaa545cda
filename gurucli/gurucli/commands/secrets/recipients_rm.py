"""`guru secrets recipients rm`: a recipient out of the YAML of Secrets. It encrypts nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import InputInvalid, NotFound
from gurucli.cli import Cli
from gurucli.parameters import FolderOption, ScopeOption, SecretOption
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("secret", keep=True), Column("path", keep=True), Column("state"))
EXAMPLES = (
    ("guru secrets recipients rm ada", "out of every secret; then rotate, and change the values"),
    ("guru secrets recipients rm ada --scope customers/acme", "out of those of one customer"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(
        metavar="NAME|KEY", help="The recipient, by its name or key.", show_default=False)],
    scope: ScopeOption = "",
    secret: SecretOption = None,
    folder: FolderOption = "",
) -> None:
    """Take a recipient out of secrets, in their YAML.

    The files are as they were: `guru secrets rotate` encrypts them for the others. Whoever is taken out knows the
    values still, and Git's history keeps the old files: change the values too, with `guru secrets edit`.
    """
    cli: Cli = ctx.obj
    from gurucli.recipients_editing import edit, without_recipient
    from gurucli.secret_files import Repository

    repository = Repository(folder)
    having = [held for held in repository.chosen(scope, secret or ())
              if name in held.spec.recipients or name in held.spec.recipients.values()]
    if not having:
        raise NotFound(f"no secret has the recipient {name[:80]}", hint="`guru secrets recipients list` shows them")
    for held in having:
        if len(held.spec.recipients) == 1:
            raise InputInvalid(f"{held.item.origin}: {name[:80]} is the only one who can open {held.name}",
                               hint="add another recipient first")

    edit(repository, having, lambda path, data, names: without_recipient(path, data, names, name))
    rows = [{"secret": held.name, "path": held.item.path, "state": "removed"} for held in having]
    cli.out.result(Sheet(rows, COLUMNS, name="secret"))
    cli.out.note("now encrypt the files for the others, and change the values: guru secrets rotate, guru secrets edit")
