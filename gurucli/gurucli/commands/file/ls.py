"""`guru ls`: lists a folder of a device."""

from __future__ import annotations

import json
from typing import cast

import typer

from guru_policy.errors import Unsupported
from gurucli.cli import Cli
from gurucli.file_looks import PlaceRef, look
from gurucli.human import size
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet, plain

__all__ = ["COLUMNS", "EXAMPLES", "run"]


def _name(row: Row, paper: Paper) -> Cell:
    name, target = plain(row.get("name")), plain(row.get("target"))
    if row.get("type") == "directory":
        return Cell(f"{name}/", "accent")
    return Cell(f"{name} {paper.arrow} {target}" if target else name)


def _size(row: Row, paper: Paper) -> Cell:
    value = row.get("size")
    return Cell(size(value) if isinstance(value, int) and row.get("type") == "file" else "-")


COLUMNS = (
    Column("mode"), Column("owner"), Column("group"), Column("size", "SIZE", _size, right=True),
    Column("mtime", "CHANGED", time=True), Column("name", "NAME", _name, keep=True), Column("type", wide=True),
    Column("target", wide=True),
)
EXAMPLES = (
    ("guru ls web01:/var/log", "names with mode, owner, size and age"),
    ("guru ls web01:/etc -o name", "the names alone"),
)


def run(ctx: typer.Context, place: PlaceRef) -> None:
    """List a folder of a device."""
    cli: Cli = ctx.obj
    found = look(cli, place, "list")
    try:
        rows = [cast("Row", json.loads(line)) for line in found.data.splitlines()]
    except ValueError as cause:
        raise Unsupported("the device answered with something else than a list") from cause
    if not all(isinstance(row, dict) for row in rows):
        raise Unsupported("the device answered with something else than a list")
    cli.out.result(Sheet(rows, COLUMNS, empty="the folder is empty"))
