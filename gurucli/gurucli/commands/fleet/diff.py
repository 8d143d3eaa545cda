"""`guru diff`: two versions of a fleet repository, object by object and device by device. It changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guru_policy.errors import PolicyInvalid, UsageWrong
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.parameters import SelectorOption
from gurucli.plan_page import plan_rows
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("what"), Column("action"), Column("kind"), Column("scope"), Column("name", keep=True), Column("field"),
    Column("before"), Column("after"), Column("why"), Column("id", wide=True),
)
EXAMPLES = (
    ("guru diff main", "what this folder changes against a branch"),
    ("guru diff v1.4 v1.5 --exit-code", "two revisions; ends with 3 when they differ"),
    ("guru diff HEAD . --inventory devices.json", "and what devices get, offline"),
    ("guru diff HEAD . --live -l customer=acme", "for the server's devices of one customer"),
)


def run(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="A", help="A revision, or a folder with a slash in its name.",
                                       show_default=False)],
    new: Annotated[str, typer.Argument(metavar="B", help="Another one; without it this folder.",
                                       show_default=False)] = ".",
    inventory: Annotated[str, typer.Option(
        "--inventory", metavar="FILE", help="Compile for the devices of this file, as `guru device list -o json` "
        "writes it.", show_default=False)] = "",
    live: Annotated[bool, typer.Option(
        "--live", help="Compile for the devices of the server.", show_default=False)] = False,
    selector: SelectorOption = "",
    exit_code: Annotated[bool, typer.Option(
        "--exit-code", help="End with 3 when there are differences.", show_default=False)] = False,
) -> int:
    """Compare two versions, and what devices get from them.

    Without --inventory and --live only objects are compared, offline. Both versions are compiled whole on this
    machine: `guru plan` compares with what is in force at the server, customer by customer. Ends with 10 when
    one of them has faults.
    """
    cli: Cli = ctx.obj
    from guru_policy.loading import ParseCache
    from gurucli import diff_page, differing
    from gurucli.inventory import from_file, from_server
    from gurucli.offline import Offline
    from gurucli.trees import tree_named

    if inventory and live:
        raise UsageWrong("devices come from --inventory or from --live, not from both")
    if selector and not (inventory or live):
        raise UsageWrong("-l chooses devices, and none were asked for", hint="add --live or --inventory FILE")
    cache = ParseCache()
    a, b = Offline(tree_named(old), cache), Offline(tree_named(new), cache)
    objects = differing.objects(a, b)
    known = from_file(Path(inventory)) if inventory else from_server(cli.server) if live else None
    chosen = b.chosen(known, selector) if known is not None else []
    devices, faults = differing.devices(a, b, chosen)
    told = diff_page.summary(objects, devices, len(chosen) if known is not None else None)
    document = {"format_version": "1.0", "a": a.revision, "b": b.revision, "objects": objects, "devices": devices,
                "affected": len(devices)}
    cli.out.result(Sheet(
        plan_rows({"objects": objects, "devices": devices}), COLUMNS,  # type: ignore[typeddict-item]
        document=document, name=lambda row: str(row["name"]),
        draw=lambda paper: diff_page.lines(objects, devices, paper, everything=cli.out.kind == "wide")))
    cli.out.note(told)
    if faults:
        raise PolicyInvalid(faults)
    return Exit.differences if exit_code and (objects or devices) else Exit.done
