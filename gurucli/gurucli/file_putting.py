"""Has devices change a file: put one that is here or on another device, or remove one. Many are asked about first."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

from guru_policy.errors import GuruError, InputInvalid, Refused, UsageWrong
from guru_wire.chunks import MAX_TRANSFER
from guru_wire.files import MAX_PUT
from gurucli.answers_transfers import Transfer
from gurucli.asking import confirmed
from gurucli.cli import Cli
from gurucli.file_looks import parted
from gurucli.file_sending import sent
from gurucli.file_uploading import upload
from gurucli.given import bytes_in
from gurucli.moving import Moving
from gurucli.ordering import begun, order, pace
from gurucli.transfer_notes import Note
from gurucli.transfers import Older, all_of, begin, drop, known

LIMIT = 60                              # seconds that a small change may take
SLOWEST = 32 << 10                      # bytes a second at which a large one arrives in time
MOST = 86_400                           # seconds that anything may take
THERE = "have it"


class Putting(NamedTuple):
    """Where a file goes: to a device or to all that a selector matches, and how."""

    device: str
    path: str
    mode: str
    replace: bool
    selector: str
    expires: str
    yes: bool
    most: int


def target_of(place: str, selector: str) -> tuple[str, str]:
    """The device and the path of DEVICE:PATH; with a selector no device, and the path of :PATH."""
    if not selector:
        return parted(place)
    if not place.startswith(":/"):
        raise UsageWrong(f"{place!r} is no place on every device of -l", hint="write it like :/etc/motd")
    return "", place[1:]


def put(cli: Cli, source: str, there: Putting) -> None:
    """Put the file on the device, or on those that the selector matches, and follow how that goes."""
    file = Path(source)
    if file.is_dir():
        raise InputInvalid(f"{source} is a folder", hint="copy its files one by one")
    if there.path.endswith("/"):
        there = there._replace(path=there.path + file.name)
    size = file.stat().st_size if file.is_file() else 0
    if size > MAX_TRANSFER:
        raise InputInvalid(f"{source} has {size:,} bytes, and {MAX_TRANSFER:,} are copied at most")
    if size <= MAX_PUT:
        content = bytes_in(source, MAX_PUT, "a larger one has to be a regular file")
        stdin = base64.b64encode(content).decode()
        _ordered(cli, there, hashlib.sha256(content).hexdigest(), {"stdin": stdin}, LIMIT, _agreed(cli, there))
        return
    agreed = _agreed(cli, there)        # before the work
    up = upload(cli, file)
    _ordered(cli, there, up.sha256, {}, _time_for(up.size), agreed, up.id)
    up.note.forget()                    # after a failure it stays, for those that have it not
    drop(cli.server, up.id)


def passed_on(cli: Cli, source: str, there: Putting) -> None:
    """Put a file of one device on another, or on those that the selector matches. Nothing of it is kept here."""
    device, path = parted(source)
    name = path.rsplit("/", 1)[-1]
    if name in ("", ".", ".."):
        raise UsageWrong(f"{path} is a folder", hint="`guru ls` lists it")
    if there.path.endswith("/"):
        there = there._replace(path=there.path + name)
    agreed = _agreed(cli, there)
    whole = _fetched(cli, device, path)
    try:
        _ordered(cli, there, whole["sha256"], {}, _time_for(whole["size"] or 0), agreed, whole["id"])
    except GuruError as error:
        error.hint = error.hint or "the same command sends the file anew"
        raise
    drop(cli.server, whole["id"])       # not after a failure: devices that are away may still take it


def remove(cli: Cli, device: str, path: str, *, selector: str, expires: str, yes: bool, most: int) -> None:
    """Remove the file there, and follow how that goes."""
    request = {"change": {"op": "remove", "path": path}, "timeout": LIMIT, **pace(expires, "", 0, "")}
    order(cli, device, selector, request, deed=f"remove {path} on", yes=yes, most=most, wait=True)


def _agreed(cli: Cli, there: Putting) -> int:
    """How many devices it is for at most, once somebody said yes."""
    if not there.selector:
        return max(there.most, 1)
    count = confirmed(cli, there.selector, f"put {there.path} on", yes=there.yes, most=there.most)
    return max(there.most, count)


def _ordered(
    cli: Cli, there: Putting, sha256: str, content: dict[str, object], limit: int, most: int, transfer: str = ""
) -> None:
    change: dict[str, object] = {
        "op": "put", "path": there.path, "sha256": sha256, "mode": there.mode.removeprefix("0"),
        "replace": there.replace, **({"transfer": transfer} if transfer else {})}
    request = {"change": change, **content, "timeout": limit, **pace(there.expires, "", 0, "")}
    begun(cli, there.device, there.selector, request, most=most, deed=THERE)


def _time_for(size: int) -> int:
    return min(MOST, 10 * LIMIT + size // SLOWEST)


def _fetched(cli: Cli, device: str, path: str) -> Transfer:
    """The transfer that the device filled, begun anew or, when it was cut off, gone on with."""
    note = Note(cli.environment.cache, cli.context.url, device, path)
    kept = note.read()
    found = known(cli.server, kept) if kept else None
    transfer = found if found is not None and found["state"] == "filling" else begin(cli.server)
    note.keep(transfer["id"])
    moving = Moving(cli.out, path)
    try:
        sent(cli.server, device, path, transfer, lambda now: moving.show(now["chunks"] << 18, now["size"]))
    except Older as older:
        raise older.told or Refused(f"the agent of {device} sends nothing on", hint="update it") from older
    except GuruError as error:
        if type(error) is GuruError:    # the device could not: nothing goes on with it
            note.forget()
            drop(cli.server, transfer["id"])
        error.hint = error.hint or "the same command goes on where it was"
        raise
    finally:
        moving.done()
    note.forget()
    return all_of(cli.server, transfer, path)
