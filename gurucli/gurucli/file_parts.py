"""Brings a file of an older device in parts, and goes on with what is here already. It changes nothing there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from guru_policy.errors import CannotLook, Unsupported
from guru_wire.files import PART, PartHead
from gurucli.client import Client
from gurucli.file_looks import ordered
from gurucli.moving import Show
from gurucli.partial import Partial


class Copied(NamedTuple):
    """A file that is here now. `resumed` bytes were here before."""

    device: str
    path: str
    size: int
    sha256: str
    resumed: int


class _Part(NamedTuple):
    device: str
    head: PartHead
    data: bytes


def in_parts(server: Client, device: str, path: str, target: Path, show: Show, *, replace: bool) -> Copied:
    """Copy to `target`, which gets its name once all has arrived and has the digest that the device told.

    What arrived stays beside it when that fails, and the next call goes on there. CannotLook when the file changes.
    """
    here = Partial(target, f"{device}:{path}")
    stamp = here.stamp()
    resumed = here.size(stamp) if stamp else 0
    part = _part(server, device, path, resumed, stamp)
    if part.head.stamp != stamp:        # nothing is here yet, or of a file that is no more
        here.forget()
        part = part if resumed == 0 and not stamp else _part(server, device, path, 0, "")
        stamp, resumed = part.head.stamp, 0
    at = resumed
    while True:
        here.add(stamp, part.data, part.head.size)
        at += len(part.data)
        show(at, part.head.size)
        if at >= part.head.size:
            break
        if not part.data:
            raise Unsupported(f"{device} brought a part without bytes")
        part = _part(server, device, path, at, stamp)
        if part.head.stamp != stamp:
            here.forget()
            raise CannotLook(f"{path} changed while it was copied", hint="copy it again")
    if at != part.head.size or here.digest(stamp) != part.head.sha256:
        here.forget()
        raise altered(path)
    here.place(stamp, replace=replace)
    return Copied(part.device, path, at, part.head.sha256, resumed)


def altered(path: str) -> Unsupported:
    """What is here is not what the device has."""
    return Unsupported(f"{path}: what arrived is not what the device read", hint="copy it again, all of it")


def _part(server: Client, device: str, path: str, start: int, stamp: str) -> _Part:
    found = ordered(server, device, {"op": "read", "path": path, "part": {"start": start, "of": stamp}})
    line, _, data = found.data.partition(b"\n")
    try:
        head = PartHead.model_validate_json(line)
    except ValidationError as cause:
        raise Unsupported(f"the agent of {found.device} copies no files", hint="update it; `guru cat` works") from cause
    if len(data) > PART:
        raise Unsupported(f"{found.device} brought more than was asked for")
    return _Part(found.device, head, data)
