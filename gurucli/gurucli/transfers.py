"""Transfers at the server: begun, looked at, moved chunk by chunk, let go. Each step again when its answer got lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from guru_policy.errors import DeadlinePassed, GuruError, NotFound, Unsupported
from guru_wire.chunks import CHUNK
from gurucli.answers_transfers import Transfer
from gurucli.client import API, Client, part

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)     # seconds before a step is tried again
PASSING = ("G0001", "G0500", "G0502", "G0503")     # codes of a server that is not well
ResultT = TypeVar("ResultT")
Sleep = Callable[[float], None]


class Older(Unsupported):
    """The server, or the device, knows no transfers. `told` is what the device said of it, where it was asked."""

    told: GuruError | None = None


def begin(server: Client, size: int | None = None, sha256: str = "") -> Transfer:
    """A new one: to be filled by a device without a size, from here with one. Older when the server has none."""
    asked = {} if size is None else {"size": size, "sha256": sha256}
    try:
        return server.post(Transfer, "/transfers", asked)
    except NotFound as cause:
        raise Older("the server is older than files of this size", hint="update it; `guru doctor` compares") from cause


def known(server: Client, name: str) -> Transfer | None:
    """How far it is; None when nobody knows it any more, or it failed."""
    try:
        found = insisted(lambda: server.get(Transfer, f"/transfers/{part(name)}"))
    except NotFound:
        return None
    return None if found["state"] == "failed" else found


def all_of(server: Client, transfer: Transfer, path: str) -> Transfer:
    """The same, whole. GuruError when it is not."""
    found = known(server, transfer["id"])
    if found is None or found["state"] != "whole":
        raise GuruError(f"{path} did not arrive at the server", hint="run the command again")
    return found


def chunk(server: Client, name: str, number: int) -> bytes:
    """The bytes of one that is there."""
    data = insisted(lambda: server.bring(f"/transfers/{part(name)}/chunks/{number}"))
    if not 0 < len(data) <= CHUNK:
        raise Unsupported("the server brought a chunk of another size", hint="is something between that changes it?")
    return data


def fill(server: Client, name: str, number: int, data: bytes) -> None:
    """Bring the next one; one that is there already is compared."""
    insisted(lambda: server.fill(f"/transfers/{part(name)}/chunks/{number}", data))


def drop(server: Client, name: str) -> None:
    """Let it go; whatever keeps the server from that, it forgets it by itself."""
    with suppress(GuruError):
        server.request("DELETE", f"{API}/transfers/{part(name)}")


def insisted(deed: Callable[[], ResultT], sleep: Sleep = time.sleep) -> ResultT:
    """What the deed gives, tried again for a while when the way there or the server is not well."""
    for pause in PAUSES:
        try:
            return deed()
        except GuruError as error:
            if not isinstance(error, DeadlinePassed) and error.code not in PASSING:
                raise
        sleep(pause)
    return deed()
