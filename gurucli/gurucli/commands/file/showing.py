"""How the content of a file is printed: as it is in a pipe, cleaned on a terminal, as a document with its digest."""

from __future__ import annotations

import base64
import hashlib
from typing import cast

from gurucli.cli import Cli
from gurucli.file_looks import Found
from gurucli.following import safe
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("device", keep=True), Column("path", keep=True), Column("size", right=True), Column("sha256"),
    Column("encoding", wide=True), Column("content", wide=True),
)


def show(cli: Cli, found: Found) -> None:
    """Print it."""
    if cli.out.kind == "tsv" and not cli.options.fields:
        cli.out.raw(found.data)
        return
    try:
        encoding, content = "utf-8", found.data.decode()
    except UnicodeDecodeError:
        encoding, content = "base64", base64.b64encode(found.data).decode()
    row = cast("Row", {
        "device": found.device, "path": found.path, "size": len(found.data), "encoding": encoding,
        "sha256": hashlib.sha256(found.data).hexdigest(), "content": content,
    })
    lines = found.data.decode(errors="replace").removesuffix("\n").split("\n") if found.data else []
    cli.out.result(Sheet([row], COLUMNS, document=row, name="path", text=lambda paper: map(safe, lines)))
