"""`guru import tactical`: a saved export of Tactical RMM, as objects of a repository. It asks no server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.importing.bringing import COLUMNS, FolderOption, OverwriteOption, WriteOption

__all__ = ["COLUMNS", "EXAMPLES", "REPORTS", "run"]

REPORTS = True
EXAMPLES = (
    ("guru import tactical export", "what becomes of it, and what does not and why"),
    ("guru import tactical export -d fleet --write", "into a repository, new or not"),
    ("guru import tactical export -o markdown=import.md", "the report as a page"),
)


def run(
    ctx: typer.Context,
    export: Annotated[str, typer.Argument(metavar="FILE|DIR", help="The export.", show_default=False)],
    folder: FolderOption = "", write: WriteOption = False, overwrite: OverwriteOption = False,
) -> None:
    """Read saved answers of Tactical RMM's API as objects.

    FILE is one JSON object, DIR a folder of JSON files; docs/importing.md says which answers to save. Customers
    come in mode observe: their agents change nothing until you take the mode out. What has no place here is
    listed with its source and the reason, and secrets are never written.
    """
    cli: Cli = ctx.obj
    from gurucli.importing.bringing import bring, root_of
    from gurucli.importing.repository import fleet_file, tree_at
    from gurucli.importing.settling import settle
    from gurucli.importing.tactical.mapping import from_tactical

    root = root_of(folder)
    drafts = from_tactical(Path(export))
    files = fleet_file(tree_at(root)) | settle(drafts)
    bring(cli, root, files, drafts.sources(), drafts.unmapped, writing=write, overwrite=overwrite)
