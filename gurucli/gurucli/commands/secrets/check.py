"""`guru secrets check`: whether Secrets, their files and their recipients fit together. It writes only reports."""

from __future__ import annotations

import typer

from gurucli.blocks import fault_lines
from gurucli.cli import Cli
from gurucli.commands.fleet.validate import as_line
from gurucli.exits import Exit
from gurucli.human import plural
from gurucli.parameters import IdentityOption, OfflineOption, PathArgument
from gurucli.sheet import Column, Sheet

REPORTS = True
MOST = 50                               # faults that a terminal gets without -o wide
COLUMNS = (
    Column("path", keep=True), Column("line", right=True), Column("column", right=True), Column("severity"),
    Column("message"), Column("hint"),
)
EXAMPLES = (
    ("guru secrets check", "every Secret and every .age file around this folder"),
    ("guru secrets check --offline", "without asking the server for its key"),
    ("guru secrets check --identity safe.key", "open what this identity should open, too"),
    ("guru secrets check -o github=-", "annotations on a pull request"),
)


def run(
    ctx: typer.Context,
    path: PathArgument = "",
    identity: IdentityOption = "",
    offline: OfflineOption = False,
) -> int:
    """Look whether secrets, files and recipients fit together.

    Every .age file has a Secret and every Secret its file; a file is encrypted for as many keys as the Secret has
    recipients; what your identity should open opens; and what devices need can be opened by the server. Ends with 10
    when something does not fit.
    """
    cli: Cli = ctx.obj
    from gurucli.ageing import identities, identity_file
    from gurucli.reports import write_reports
    from gurucli.secret_checking import checked
    from gurucli.secret_files import Repository
    from gurucli.server_recipient import server_recipient_or_none

    repository = Repository(path)
    place = identity_file(cli.environment, identity)
    mine = identities(place) if identity or cli.environment.identity or place.exists() else []
    server = None if offline else server_recipient_or_none(cli)
    faults = [as_line(fault) for fault in checked(repository, mine, server)]
    printed = write_reports(cli.reports, faults)
    if printed:
        cli.out.lines(printed)
    else:
        document = {"valid": not faults, "secrets": len(repository.secrets), "opened": bool(mine),
                    "server": server or "", "faults": faults}
        most = len(faults) if cli.out.kind == "wide" else MOST
        cli.out.result(Sheet(faults, COLUMNS, document=document, name="path",
                             draw=lambda paper: fault_lines(faults, paper, by=0, most=most)))
    told = plural(len(faults), "fault") if faults else "no faults"
    cli.out.note(f"{plural(len(repository.secrets), 'secret')}, {told}")
    return Exit.invalid if faults else Exit.done
