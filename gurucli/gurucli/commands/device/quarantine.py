"""`guru device quarantine`: holds a device until it is released."""

from __future__ import annotations

import typer

from gurucli.admitting import COLUMNS, tell
from gurucli.answers_admission import Admitted
from gurucli.cli import Cli
from gurucli.parameters import DeviceRef, ReasonOption

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru device quarantine web01 --reason stolen", "until `guru device release`"),)


def run(
    ctx: typer.Context,
    device: DeviceRef,
    reason: ReasonOption = "",
) -> None:
    """Give a device nothing, and believe nothing it says.

    Its link is cut and begins anew within seconds, without bundle, orders or reports. What is on the device stays.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(Admitted, "/admissions/quarantines", {"device": device, "reason": reason})
    tell(cli, done, "in quarantine:")
