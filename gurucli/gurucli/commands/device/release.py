"""`guru device release`: ends a quarantine."""

from __future__ import annotations

import typer

from gurucli.admitting import COLUMNS, tell
from gurucli.answers_admission import Admitted
from gurucli.cli import Cli
from gurucli.parameters import DeviceRef

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru device release web01", "it gets its state at once"),)


def run(ctx: typer.Context, device: DeviceRef) -> None:
    """End a quarantine.

    When two machines still use one key, it is back in quarantine soon: revoke the device and enrol both anew.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(Admitted, "/admissions/releases", {"device": device})
    tell(cli, done, "released")
