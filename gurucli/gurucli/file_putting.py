"""Has devices change a file: put one that is here, or remove one. The same questions as before a command on many."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from guru_policy.errors import InputInvalid, UsageWrong
from guru_wire.files import MAX_PUT
from gurucli.cli import Cli
from gurucli.file_looks import parted
from gurucli.given import bytes_in
from gurucli.ordering import order, pace

LIMIT = 60                              # seconds that the change may take


def target_of(place: str, selector: str) -> tuple[str, str]:
    """The device and the path of DEVICE:PATH; with a selector no device, and the path of :PATH."""
    if not selector:
        return parted(place)
    if not place.startswith(":/"):
        raise UsageWrong(f"{place!r} is no place on every device of -l", hint="write it like :/etc/motd")
    return "", place[1:]


def put(
    cli: Cli, file: str, device: str, path: str, *, mode: str, replace: bool, selector: str, expires: str, yes: bool,
    most: int,
) -> None:
    """Put the file on the device, or on those that the selector matches, and follow how that goes."""
    if Path(file).is_dir():
        raise InputInvalid(f"{file} is a folder", hint="copy its files one by one")
    if path.endswith("/"):
        path += Path(file).name
    content = bytes_in(file, MAX_PUT, "what every device should have belongs into a policy, as a `file`")
    change = {"op": "put", "path": path, "sha256": hashlib.sha256(content).hexdigest(), "mode": mode.removeprefix("0"),
              "replace": replace}
    request = {"change": change, "stdin": base64.b64encode(content).decode(), "timeout": LIMIT,
               **pace(expires, "", 0, "")}
    order(cli, device, selector, request, deed=f"put {path} on", yes=yes, most=most, wait=True)


def remove(cli: Cli, device: str, path: str, *, selector: str, expires: str, yes: bool, most: int) -> None:
    """Remove the file there, and follow how that goes."""
    request = {"change": {"op": "remove", "path": path}, "timeout": LIMIT, **pace(expires, "", 0, "")}
    order(cli, device, selector, request, deed=f"remove {path} on", yes=yes, most=most, wait=True)
