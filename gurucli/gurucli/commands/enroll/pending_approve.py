"""`guru enroll pending approve`: lets a device in; as a new one, or in the place of one that is there."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.admitting import COLUMNS, tell
from gurucli.answers_admission import Admitted
from gurucli.cli import Cli
from gurucli.parameters import DeviceRef

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru enroll pending approve pc07", "as a new device"),
    ("guru enroll pending approve 5f2c81d0 --replaces acme/hq/pc07", "a machine that was installed anew"),
)


def run(
    ctx: typer.Context,
    device: DeviceRef,
    replaces: Annotated[str, typer.Option(
        "--replaces", metavar="DEVICE", help="It is this device, installed anew.", show_default=False)] = "",
) -> None:
    """Let a device in that waits.

    With --replaces it goes on with that device's name, labels, history and overrides, and the key from before is
    never accepted again. Look at who says so: that two devices have the same hardware is only what they say.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(Admitted, "/admissions/approvals", {"device": device, "takes_over": replaces})
    tell(cli, done, "let in")
