"""Brings a file of a device, of any size, and goes on with what is here already. It changes nothing on the device."""

from __future__ import annotations

from pathlib import Path

from guru_policy.errors import GuruError
from guru_wire.chunks import CHUNK
from gurucli.answers_transfers import Transfer
from gurucli.cli import Cli
from gurucli.client import Client
from gurucli.file_looks import parted
from gurucli.file_parts import Copied, altered, in_parts
from gurucli.file_sending import sent
from gurucli.moving import Moving, Show
from gurucli.partial import Partial
from gurucli.transfers import Older, all_of, begin, chunk, drop, known

TOGETHER = 8                            # chunks that are written to the disk at once


def bring(cli: Cli, place: str, target: Path, *, replace: bool) -> Copied:
    """Copy to `target`, which gets its name once all has arrived and has the digest that the device told.

    What arrived stays beside it when that fails, and the next call goes on there. CannotLook when the file changes.
    """
    device, path = parted(place)
    moving = Moving(cli.out, path)
    try:
        return brought(cli.server, device, path, target, moving.show, replace=replace)
    finally:
        moving.done()


def brought(server: Client, device: str, path: str, target: Path, show: Show, *, replace: bool) -> Copied:
    """The same, as a transfer or, from a device or a server that knows none, in parts."""
    try:
        return _whole(server, device, path, target, show, replace=replace)
    except Older as older:
        try:
            return in_parts(server, device, path, target, show, replace=replace)
        except GuruError as error:
            if older.told is None or str(older.told) == str(error) or type(error) is not GuruError:
                raise
            raise GuruError(f"{older.told}; and in parts: {error}", hint=error.hint or older.hint) from older


def _whole(server: Client, device: str, path: str, target: Path, show: Show, *, replace: bool) -> Copied:
    here = Partial(target, f"{device}:{path}")
    stamp = here.stamp()
    transfer = known(server, stamp) if stamp else None
    if transfer is not None:
        arriving = _Arriving(server, here, transfer, show)
        try:
            return _arrived(server, device, path, arriving, replace=replace)
        except GuruError as error:
            if type(error) is not GuruError:
                raise                   # else it changed since it was begun: begin anew
    transfer = begin(server)
    return _arrived(server, device, path, _Arriving(server, here, transfer, show), replace=replace)


def _arrived(server: Client, device: str, path: str, arriving: _Arriving, *, replace: bool) -> Copied:
    here, transfer = arriving.here, arriving.transfer
    resumed, told = arriving.at, None
    try:
        if transfer["state"] != "whole":
            told = sent(server, device, path, transfer, arriving.take)
        whole = all_of(server, transfer, path)
        arriving.take(whole)
    except Older:
        drop(server, transfer["id"])
        raise
    except GuruError as error:
        if type(error) is GuruError:
            _over(server, arriving)     # the device could not; nothing goes on with it
        else:
            error.hint = error.hint or "the same command goes on where it was"
        raise
    size, digest = whole["size"], whole["sha256"]
    same = told is None or (told.size, told.sha256) == (size, digest)
    if not same or arriving.at != size or here.digest(transfer["id"]) != digest:
        _over(server, arriving)
        raise altered(path)
    here.place(transfer["id"], replace=replace)
    drop(server, transfer["id"])
    return Copied(device, path, arriving.at, digest, resumed)


def _over(server: Client, arriving: _Arriving) -> None:
    arriving.here.forget()
    drop(server, arriving.transfer["id"])


class _Arriving:
    """The chunks of a transfer that are here; `at` bytes."""

    def __init__(self, server: Client, here: Partial, transfer: Transfer, show: Show) -> None:
        self._server, self.here, self.transfer, self._show = server, here, transfer, show
        found = here.size(transfer["id"])
        self.at = found if found == transfer["size"] else found - found % CHUNK
        if self.at != found:
            here.cut(transfer["id"], self.at)

    def take(self, now: Transfer) -> None:
        """Fetch what is there by `now` and not here."""
        name = now["id"]
        self._show(self.at, now["size"])
        while self.at % CHUNK == 0 and self.at // CHUNK < now["chunks"]:
            first = self.at // CHUNK
            if first == 0:
                self.here.forget()      # of a file that is no more
            data = b"".join(chunk(self._server, name, number)
                            for number in range(first, min(first + TOGETHER, now["chunks"])))
            self.here.add(name, data, now["size"] or self.at + len(data))
            self.at += len(data)
            self._show(self.at, now["size"])
        if now["size"] == 0:
            self.here.add(name, b"", 0)
