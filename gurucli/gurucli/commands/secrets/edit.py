"""`guru secrets edit`: a secret in an editor, and encrypted again. The value is in no argument, and in no output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import GuruError, InputInvalid, UsageWrong
from gurucli.cli import Cli
from gurucli.parameters import FolderOption, IdentityOption
from gurucli.sheet import Column, record

COLUMNS = (Column("secret", keep=True), Column("path", keep=True), Column("state"), Column("recipients", right=True))
EXAMPLES = (
    ("guru secrets edit office-psk", "decrypt with your identity, open $EDITOR, encrypt again"),
    ("guru secrets edit customers/acme/office-psk", "when several customers have one of that name"),
    ("pass show acme/psk | guru secrets edit office-psk --from-file -", "a value from elsewhere, without an editor"),
)


def run(
    ctx: typer.Context,
    secret: Annotated[str, typer.Argument(
        metavar="NAME|FILE", help="A Secret, with its scope where needed, or the .age file it names.",
        show_default=False)],
    from_file: Annotated[str, typer.Option(
        "--from-file", metavar="FILE", show_default=False,
        help="Take the new value from here, - is standard input; no identity is needed.")] = "",
    identity: IdentityOption = "",
    folder: FolderOption = "",
) -> None:
    """Change a secret, or give a new one its first value.

    The Secret object comes first: it names the file and the recipients. The editor works on a file in memory that
    is yours alone and is wiped afterwards; a value that did not change is not encrypted again. Commit the result.
    """
    cli: Cli = ctx.obj
    from gurucli.ageing import encrypted, identities, identity_file, opened
    from gurucli.secret_files import Repository

    repository = Repository(folder)
    held = repository.named(secret)
    before: bytes | None = None
    if from_file:
        value = _read(from_file)
    else:
        if not cli.interactive and not cli.environment.editor:
            raise UsageWrong("nobody can be asked for a value", hint="give it with --from-file FILE, or - for stdin")
        from gurucli.private_editing import edited

        if held.entry is not None:
            before = opened(repository.read(held), identities(identity_file(cli.environment, identity)))
        value = edited(before or b"", Path(held.spec.file).stem, cli.environment)
    if not value:
        raise InputInvalid("the value is empty: nothing was written", hint="a secret that is not needed is removed")
    state = "unchanged" if value == before else "changed" if held.entry is not None else "new"
    if state != "unchanged":
        repository.write(held.spec.file, encrypted(value, held.spec.recipients.values()))
    row = {"secret": held.name, "path": held.spec.file, "state": state, "recipients": len(held.spec.recipients)}
    cli.out.result(record(row, COLUMNS, name="path"))


def _read(place: str) -> bytes:
    from gurucli.ageing import MAX_VALUE

    try:
        if place == "-":
            return sys.stdin.buffer.read(MAX_VALUE + 1)
        with Path(place).open("rb") as file:
            return file.read(MAX_VALUE + 1)
    except OSError as cause:
        raise GuruError(f"{place} cannot be read: {cause.strerror}") from cause
