"""`guru import server`: what is in force at a server, into a repository. It never overwrites what differs unasked."""

from __future__ import annotations

import typer

from guru_policy.errors import InputInvalid
from guru_policy.tree import Tree
from gurucli.cli import Cli
from gurucli.human import size
from gurucli.importing.bringing import COLUMNS, FolderOption, OverwriteOption, WriteOption

__all__ = ["COLUMNS", "EXAMPLES", "REPORTS", "run"]

REPORTS = True
MAX_BYTES = 1 << 30                     # of contents that the repository has not
EXAMPLES = (
    ("guru import server", "what the server has in force and this repository has not"),
    ("guru import server --write", "and bring it here; `guru plan` then finds nothing to do"),
    ("guru import server -d fleet --write --overwrite", "the server's wins where both differ"),
)


def run(
    ctx: typer.Context, folder: FolderOption = "", write: WriteOption = False, overwrite: OverwriteOption = False,
) -> None:
    """Bring what is in force at the server into a repository.

    Objects are compared by what they say, wherever they stand in either repository; only what is missing is
    written, with the files it needs. Ends with 9, and writes nothing, when an object here differs from the
    server's.
    """
    cli: Cli = ctx.obj
    from gurucli.exporting import INVENTORY, contents, exported
    from gurucli.importing.bringing import bring, root_of
    from gurucli.importing.repository import tree_at

    root = root_of(folder)
    found = exported(cli.server)
    files = [file for file in found.files if file["path"] != INVENTORY]
    known = _known(tree_at(root), {file["blob"] for file in files})
    missing = [file for file in files if file["blob"] not in known]
    total = sum({file["blob"]: file["size"] for file in missing}.values())
    if total > MAX_BYTES:
        raise InputInvalid(f"the repository lacks {size(total)} of what is in force; an import takes {size(MAX_BYTES)}",
                           hint="guru export -d DIR writes all of it")
    blobs = known | dict(contents(cli.server, found.state, missing))
    for one in found.customers:
        if one["note"]:
            cli.out.say(f"{one['customer']}: {one['note']}")
    bring(
        cli, root, {file["path"]: blobs[file["blob"]] for file in files},
        {file["path"]: f"{file['path']}@{file['revision'][:12]}" for file in files},
        writing=write, overwrite=overwrite, executables={file["path"] for file in files if file["executable"]},
    )


def _known(tree: Tree, wanted: set[str]) -> dict[str, bytes]:
    """The contents of these ids that the repository has."""
    found: dict[str, bytes] = {}
    for entry in tree.entries():
        if entry.kind == "file" and entry.blob in wanted and entry.blob not in found:
            found[entry.blob] = tree.read(entry)
    return found
