"""`guru secrets rotate`: secrets encrypted anew for the recipients they name. All of them, or none is written."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import GuruError, PolicyInvalid
from guru_policy.faults import Fault
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.parameters import FolderOption, IdentityOption, ScopeOption
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("secret", keep=True), Column("path", keep=True), Column("recipients", right=True))
EXAMPLES = (
    ("guru secrets rotate", "every secret, after recipients changed"),
    ("guru secrets rotate --scope customers/acme", "those of one customer"),
    ("guru secrets rotate office-psk tray-pin", "these two"),
)


def run(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(
        metavar="NAME", help="Secrets, with their scope where needed; all without a name.",
        show_default=False)] = None,
    scope: ScopeOption = "",
    identity: IdentityOption = "",
    folder: FolderOption = "",
) -> None:
    """Encrypt secrets anew for the recipients that they name now.

    Each is opened with your identity first; when one does not open, none is written. Whoever could open a secret
    before may have kept its value: when somebody left, change the values too, with `guru secrets edit`.
    """
    cli: Cli = ctx.obj
    from gurucli.ageing import encrypted, identities, identity_file, opened
    from gurucli.secret_files import Repository

    repository = Repository(folder)
    chosen = repository.chosen(scope, names or ())
    mine = identities(identity_file(cli.environment, identity))
    fresh: dict[str, bytes] = {}
    faults: list[Fault] = []
    for held in chosen:
        try:
            value = opened(repository.read(held), mine)
        except GuruError as error:
            faults.append(Fault(held.item.at(("file",)), f"Secret {held.name}: {error.message}", error.hint))
        else:
            fresh[held.spec.file] = encrypted(value, held.spec.recipients.values())
    if faults:
        raise PolicyInvalid(faults)
    for path, data in fresh.items():
        repository.write(path, data)
    rows = [{"secret": one.name, "path": one.spec.file, "recipients": len(one.spec.recipients)} for one in chosen]
    cli.out.result(Sheet(rows, COLUMNS, name="path"))
    cli.out.note(f"{plural(len(fresh), 'file')} encrypted anew; who could open them before may know the values still")
