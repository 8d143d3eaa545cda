"""`guru device revoke`: ends a device's trust. It cannot be undone; the device enrols anew."""

from __future__ import annotations

import typer

from gurucli.answers import DeviceDetail, DeviceRow
from gurucli.asking import confirm
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.device.columns import COLUMNS, full_name
from gurucli.paper import Paper
from gurucli.parameters import DeviceRef, YesOption
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru device revoke web01", "after a question"),
    ("guru device revoke acme/hq/web01 --yes", "in a script"),
)


def run(ctx: typer.Context, device: DeviceRef, yes: YesOption = False) -> None:
    """Cut a device off for good.

    Its link is closed within seconds and its key is never accepted again. What is on the device stays as it
    is. To take the machine back, enrol it with a new token.
    """
    cli: Cli = ctx.obj
    detail = cli.server.get(DeviceDetail, f"/devices/{part(device)}")
    confirm(cli, "revoke", 1, yes=yes, most=0, named=full_name(detail))
    gone = cli.server.delete(DeviceRow, f"/devices/{part(detail['id'])}")

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"revoked {full_name(gone)}", "good"), "good")]

    cli.out.result(record(gone, COLUMNS, told, name=full_name))
