"""`guru render`: what a device gets, as YAML, from a folder or a revision. It asks a server for devices at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guru_policy.errors import PolicyInvalid, UsageWrong
from gurucli.answers import DeviceDetail
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import plural
from gurucli.parameters import SelectorOption
from gurucli.sheet import Column, Sheet, record

if TYPE_CHECKING:
    from guru_policy.inventory import Device
    from gurucli.offline import Offline

COLUMNS = (
    Column("device", keep=True), Column("customer"), Column("site"), Column("bundle", keep=True), Column("path"),
)
EXAMPLES = (
    ("guru render web01", "what this folder makes of a device"),
    ("guru render web01 --provenance", "with file and line behind each value"),
    ("guru render web01 --revision v1.4 --inventory devices.json", "of a revision, without a server"),
    ("guru render --all -d rendered", "a file a device, for a branch that reviewers read"),
)


def run(
    ctx: typer.Context,
    device: Annotated[str, typer.Argument(
        metavar="DEVICE", help="A name, customer/site/name, or an id.", show_default=False)] = "",
    revision: Annotated[str, typer.Option(
        "--revision", metavar="REV", help="Of this revision or folder, instead of the folder around here.")] = ".",
    inventory: Annotated[str, typer.Option(
        "--inventory", metavar="FILE", help="Take devices from this file and ask no server.",
        show_default=False)] = "",
    provenance: Annotated[bool, typer.Option(
        "--provenance", help="Say where each value comes from.", show_default=False)] = False,
    everything: Annotated[bool, typer.Option(
        "--all", help="Every device, each into a file.", show_default=False)] = False,
    out: Annotated[str, typer.Option("-d", "--dir", metavar="OUT", help="With --all: the folder for the files.",
                                     show_default=False)] = "",
    selector: SelectorOption = "",
) -> None:
    """Show what a device gets, merged and in order.

    The same functions make it that the server uses, on the whole of one version. With --all the folder OUT ends
    up with exactly one file a device; files that are the same are not written again. A resource's file stands
    there as its SHA-256.
    """
    cli: Cli = ctx.obj
    from gurucli.offline import Offline
    from gurucli.trees import tree_named

    if everything == bool(device) or everything != bool(out):
        raise UsageWrong("render one DEVICE, or --all devices into a folder", hint="guru render --all -d rendered")
    version = Offline(tree_named(revision))
    if everything:
        _all(cli, version, version.chosen(_devices(cli, inventory), selector), Path(out), provenance)
        return
    one = _one(cli, device, inventory)
    text, document = _rendered(version, one, provenance)
    cli.out.result(record(document, COLUMNS, draw=lambda _: text, name="device") if cli.out.kind != "tsv" else
                   Sheet([document], COLUMNS, document=document, name="device", text=lambda _: text))


def _devices(cli: Cli, inventory: str) -> list[Device]:
    from gurucli.inventory import from_file, from_server

    return from_file(Path(inventory)) if inventory else from_server(cli.server)


def _one(cli: Cli, ref: str, inventory: str) -> Device:
    from gurucli.inventory import from_file, from_rows, named

    if inventory:
        return named(from_file(Path(inventory)), ref)
    detail = cli.server.get(DeviceDetail, f"/devices/{part(ref)}")
    return from_rows([detail], detail["overrides"])[0]


def _rendered(version: Offline, device: Device, provenance: bool) -> tuple[list[str], dict[str, object]]:
    """The lines of YAML, and the document. PolicyInvalid when nothing can be made for the device."""
    from gurucli.offline import document_of
    from gurucli.yaml_text import leaves, yaml_lines

    looked = version.look(device)
    if looked.faults:
        raise PolicyInvalid(looked.faults)
    content = document_of(looked.bundle)
    why = version.provenance(device, list(leaves(content))) if provenance else {}
    document: dict[str, object] = {
        "device": device.name, "customer": device.place.customer, "site": device.place.site,
        "revision": version.revision, "bundle": looked.digest, **content,
    }
    if provenance:
        document["provenance"] = {".".join(path): said for path, said in why.items()}
    return list(yaml_lines(content, why)), document


def _all(cli: Cli, version: Offline, devices: Sequence[Device], root: Path, provenance: bool) -> None:
    from gurucli.rendered import path_of, write_all

    rows: list[dict[str, object]] = []
    files: dict[str, str] = {}
    known: dict[str, str] = {}
    for device in devices:
        digest = version.look(device).digest
        text = known.get(digest) if not provenance else None
        if text is None:
            text = known[digest] = "\n".join(_rendered(version, device, provenance)[0]) + "\n"
        path = path_of(device)
        files[path] = text
        rows.append({"device": device.name, "customer": device.place.customer, "site": device.place.site,
                     "bundle": digest, "path": path})
    written, removed = write_all(root, files)
    cli.out.result(Sheet(rows, COLUMNS, name="device"))
    cli.out.note(f"{plural(len(files), 'device')} in {root}: {written:,} written, {removed:,} removed")
