"""Rows of the audit log as columns, and the questions that `list` and `search` share. It prints nothing itself."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, cast

import typer

from gurucli.answers import DeviceDetail
from gurucli.cli import Cli
from gurucli.client import PAGE, part
from gurucli.human import seconds
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("at", "AGE", time=True), Column("actor", keep=True), Column("action", keep=True), Column("object"),
    Column("result"), Column("customer", wide=True), Column("device", wide=True), Column("revision", wide=True),
    Column("rule", wide=True), Column("address", wide=True), Column("request", wide=True),
    Column("seq", right=True, wide=True), Column("hash", wide=True), Column("tenant", wide=True),
)
MOST = 100

SinceOption = Annotated[str, typer.Option(
    "--since", metavar="TIME", show_default=False, help="Only what is younger than this, such as 7d.")]
UntilOption = Annotated[str, typer.Option(
    "--until", metavar="TIME", show_default=False, help="Only what is older than this.")]
ActorOption = Annotated[str, typer.Option(
    "--actor", metavar="WHO", show_default=False, help="person:NAME, token:ID, signer:KEY, server; or a beginning*.")]
ActionOption = Annotated[str, typer.Option(
    "--action", metavar="WHAT", show_default=False, help="Such as LabelsChanged, or Revision* for all of them.")]
ObjectOption = Annotated[str, typer.Option(
    "--object", metavar="ABOUT", show_default=False, help="Such as token:ID or revision:REV, or a beginning*.")]
DeviceOption = Annotated[str, typer.Option(
    "--device", metavar="DEVICE", show_default=False, help="A name, customer/site/name, or the id of any device.")]
CustomerOption = Annotated[str, typer.Option(
    "--customer", metavar="NAME", show_default=False, help="Only what concerns this customer.")]
RowsOption = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most this many rows; 0: all.")]


def show(cli: Cli, limit: int, *, since: str, until: str, device: str, **wish: str) -> None:
    """Print the rows that match, the newest first, as they come."""
    asked: dict[str, object] = {
        **wish, "since": _moment(cli, since), "until": _moment(cli, until), "device": _id(cli, device),
    }
    rows = cli.server.pages("/audit", limit=limit, page_size=PAGE, **asked)
    items = islice((cast("Row", row) for page in rows for row in page["items"]), limit or None)
    cli.out.result(Sheet(items, COLUMNS, name=lambda row: str(row["seq"]), empty="nothing of that kind was told"))


def _moment(cli: Cli, back: str) -> int | None:
    return max(0, int((cli.now() - seconds(back)) * 1000)) if back else None


def _id(cli: Cli, device: str) -> str:
    """The id of a device; an id is taken as it is, since the device may be gone."""
    if not device or (len(device) == 32 and set(device) <= set("0123456789abcdef")):
        return device
    return cli.server.get(DeviceDetail, f"/devices/{part(device)}")["id"]
