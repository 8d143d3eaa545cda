"""`guru device rotate-key`: has a device make a new key."""

from __future__ import annotations

import typer

from gurucli.admitting import COLUMNS, tell
from gurucli.answers_admission import Admitted
from gurucli.cli import Cli
from gurucli.parameters import DeviceRef

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru device rotate-key web01", "agents that know how: LANGUAGE 6"),)


def run(ctx: typer.Context, device: DeviceRef) -> None:
    """Have a device make a new key.

    Now when it is linked, else when it comes back. The key from before is never accepted again.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(Admitted, "/admissions/key-rotations", {"device": device})
    tell(cli, done, "a new key is asked for from")
