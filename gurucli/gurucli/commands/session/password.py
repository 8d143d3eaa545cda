"""`guru password`: sets another password."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_people import SessionsEnded
from gurucli.asking import ask_secret
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.sheet import Column, record

COLUMNS = (Column("ended", "SESSIONS ENDED", keep=True),)
EXAMPLES = (
    ("guru password", "asks for the old one and twice for the new one, without echo"),
    ("guru password --from-file two-lines.txt", "in a script; remove the file afterwards"),
)
MOST = 4096


def run(
    ctx: typer.Context,
    file: Annotated[str, typer.Option("--from-file", metavar="FILE", help="Two lines: the old one and the new one.",
                                      show_default=False)] = "",
) -> None:
    """Set another password; your other sessions end."""
    cli: Cli = ctx.obj
    old, new = _of_file(file) if file else _asked(cli)
    done = cli.server.post(SessionsEnded, "/account/password", {"old": old, "new": new})
    said = f"the password is another one; {plural(done['ended'], 'other session')} ended"
    cli.out.result(record(done, COLUMNS, lambda paper: [paper.paint(paper.marked(said, "good"), "good")], name="ended"))


def _asked(cli: Cli) -> tuple[str, str]:
    old, new = ask_secret(cli, "Password until now:"), ask_secret(cli, "New password:")
    if new != ask_secret(cli, "Once more:"):
        raise UsageWrong("the two are not the same", hint="nothing was changed; try again")
    return old, new


def _of_file(file: str) -> tuple[str, str]:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            found = opened.read(MOST).splitlines()
    except (OSError, ValueError) as cause:
        raise UsageWrong(f"{clean(file)} cannot be read") from cause
    if len(found) != 2:
        raise UsageWrong(f"{clean(file)} has {len(found)} lines, not two", hint="the old password, then the new one")
    return found[0], found[1]
