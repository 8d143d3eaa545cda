"""`guru enroll pending deny`: keeps a device out for good; its key never comes back."""

from __future__ import annotations

import typer

from gurucli.admitting import COLUMNS, tell
from gurucli.answers_admission import Admitted
from gurucli.cli import Cli
from gurucli.parameters import DeviceRef, ReasonOption

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru enroll pending deny 5f2c81d0 --reason unknown", "by id"),)


def run(
    ctx: typer.Context,
    device: DeviceRef,
    reason: ReasonOption = "",
) -> None:
    """Keep a device out that waits, for good.

    Its key is never accepted again. Whoever still has the token can try with a new key: end the token too.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(Admitted, "/admissions/denials", {"device": device, "reason": reason})
    tell(cli, done, "kept out")
