"""The order of a change of a file: checked here, and judged once more by the device. It stores nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import partial

from guru_policy.errors import InputInvalid, Refused
from guru_policy.file_rules import plain_path
from guru_policy.inventory import Device
from guru_server.rights.asking import Rights
from guru_server.store.database import Database
from guru_server.transfers.using import content_of
from guru_wire.files import MAX_PUT, FileChange, FileChangeAsk
from guru_wire.orders import Command


async def changed(
    db: Database, rights: Rights, ask: FileChangeAsk, stdin: str, timeout: int, devices: Sequence[Device]
) -> Command:
    """The command, with the rules that are the same on all of the devices. Refused when they are not.

    What is put has the digest that was told, so that nothing was lost on its way here: as `stdin`, or as a whole
    transfer of who asks.
    """
    path = plain_path(ask.path)
    if path.endswith("/"):
        raise InputInvalid(f"{path} is a folder", hint="name the file in it")
    size = 0
    if ask.op == "put" and ask.transfer:
        size = await _transferred(db, rights.actor, ask, stdin)
    elif ask.op == "put":
        _whole(ask, stdin)
    elif stdin or ask.sha256 or ask.mode or ask.replace or ask.transfer:
        raise InputInvalid("what removes a file has no content, mode or digest")
    rights.around = rights.around._replace(path=path)
    sight = await rights.sight("file.put")
    rules = {sight.files(device) for device in devices}
    if len(rules) != 1:
        raise Refused("you may change other files on some of these devices than on others",
                      hint="do it in several steps")
    (same,) = rules
    change = FileChange(op=ask.op, path=path, sha256=ask.sha256, mode=ask.mode, replace=ask.replace,
                        transfer=ask.transfer, size=size, allow=same.allow, deny=same.deny)
    return Command(change=change, stdin=stdin, timeout=timeout, output=0)


async def _transferred(db: Database, actor: str, ask: FileChangeAsk, stdin: str) -> int:
    """The bytes of what the transfer brings."""
    if stdin:
        raise InputInvalid("the content is the stdin or a transfer", hint="give one of them")
    found = await db.read(partial(content_of, name=ask.transfer, actor=actor))
    if found.sha256 != ask.sha256:
        raise InputInvalid("the transfer has not the SHA-256 that was told")
    return found.size


def _whole(ask: FileChangeAsk, stdin: str) -> None:
    try:
        content = base64.b64decode(stdin, validate=True)
    except binascii.Error as cause:
        raise InputInvalid("the content is no base64") from cause
    if len(content) > MAX_PUT:
        raise InputInvalid(f"the file has more than {MAX_PUT:,} bytes")
    if hashlib.sha256(content).hexdigest() != ask.sha256:
        raise InputInvalid("the content has not the SHA-256 that was told", hint="send it again")
