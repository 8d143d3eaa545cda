"""`guru import fleet`: Fleet's GitOps files, as objects of a repository. It asks no server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.importing.bringing import COLUMNS, FolderOption, OverwriteOption, WriteOption

__all__ = ["COLUMNS", "EXAMPLES", "REPORTS", "run"]

REPORTS = True
EXAMPLES = (
    ("guru import fleet fleet-gitops", "what becomes of default.yml and its teams, and what does not"),
    ("guru import fleet fleet-gitops -d fleet --write", "into a repository, new or not"),
    ("guru import fleet teams/workstations.yml -o json", "one team alone"),
)


def run(
    ctx: typer.Context,
    export: Annotated[str, typer.Argument(metavar="FILE|DIR", help="The export.", show_default=False)],
    folder: FolderOption = "", write: WriteOption = False, overwrite: OverwriteOption = False,
) -> None:
    """Read the GitOps files of Fleet (fleetdm.com) as objects.

    DIR holds default.yml and teams/*.yml; FILE is one of them. Policies become script checks that ask osquery,
    scripts and queries CommandTemplates, teams DeviceGroups. What has no place here is listed with its file, line
    and the reason, and secrets are never written.
    """
    cli: Cli = ctx.obj
    from gurucli.importing.bringing import bring, root_of
    from gurucli.importing.fleetdm.mapping import from_fleet
    from gurucli.importing.repository import fleet_file, tree_at
    from gurucli.importing.settling import settle

    root = root_of(folder)
    drafts = from_fleet(Path(export))
    files = fleet_file(tree_at(root)) | settle(drafts)
    bring(cli, root, files, drafts.sources(), drafts.unmapped, writing=write, overwrite=overwrite)
