"""`guru init`: a small fleet repository that is valid from the start. It never writes over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.sheet import Column, Sheet

COLUMNS = (Column("path", keep=True),)
EXAMPLES = (
    ("guru init fleet", "a new folder with a first customer, site, group and policy"),
    ("guru init fleet --customer acme --site madrid", "with names of your own"),
    ("guru init . --ci github --hook", "in this folder, with a pipeline and a pre-commit hook"),
)


def run(
    ctx: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where; without it the current folder.",
                                          show_default=False)] = ".",
    customer: Annotated[str, typer.Option("--customer", metavar="NAME", help="The first customer.")] = "example",
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="Its first site.")] = "hq",
    ci: Annotated[list[str] | None, typer.Option(
        "--ci", metavar="FORGE", help="A pipeline for github, gitlab or gitea; may be repeated.",
        show_default=False)] = None,
    hook: Annotated[bool, typer.Option(
        "--hook", help="A pre-commit hook in .githooks, for `git config core.hooksPath .githooks`.",
        show_default=False)] = False,
) -> None:
    """Start a fleet repository: valid files that change nothing yet.

    The customer is in mode observe: its agents say what they would change, until you take the mode out.
    Nothing is written when one of the files is there already; only a README.md of your own is left alone.
    """
    cli: Cli = ctx.obj
    from gurucli.starting import HOOK, starting_files
    from gurucli.writing import write_new

    root = Path(folder)
    files = starting_files(customer, site, ci or (), hook)
    if (root / "README.md").exists():
        del files["README.md"]
    write_new(root, files, frozenset({HOOK}))
    cli.out.result(Sheet([{"path": path} for path in files], COLUMNS, name="path"))
    cli.out.note(f"{plural(len(files), 'file')} in {root}. Next: guru validate {root}")
