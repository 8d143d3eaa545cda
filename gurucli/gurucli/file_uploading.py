"""Brings a file of this machine to the server, once for all devices, and goes on where it was. In constant memory."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path

from guru_policy.errors import CannotLook, Conflict, GuruError, InputInvalid, NotFound
from guru_wire.chunks import CHUNK, chunks_of
from gurucli.answers_transfers import Transfer
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.moving import Moving
from gurucli.transfer_notes import Note
from gurucli.transfers import begin, fill, known


class Uploaded:
    """A file that is at the server, until `done`."""

    def __init__(self, transfer: Transfer, note: Note) -> None:
        self.id, self.sha256, self.size = transfer["id"], transfer["sha256"], transfer["size"] or 0
        self.note = note


def upload(cli: Cli, file: Path) -> Uploaded:
    """Bring it. CannotLook when it changes meanwhile; the next call goes on where this one was cut off."""
    try:
        with file.open("rb") as source:
            return _uploaded(cli, file, source)
    except OSError as cause:
        raise InputInvalid(f"{file}: {(cause.strerror or 'it cannot be read').lower()}") from cause


def _uploaded(cli: Cli, file: Path, source: BufferedReader) -> Uploaded:
    digest = hashlib.file_digest(source, "sha256").hexdigest()
    size = source.tell()
    note = Note(cli.environment.cache, cli.context.url, digest, str(size))
    kept = note.read()
    transfer = known(cli.server, kept) if kept else None
    if transfer is None or (transfer["sha256"], transfer["size"]) != (digest, size):
        transfer = begin(cli.server, size, digest)
        note.keep(transfer["id"])
    moving = Moving(cli.out, clean(file.name))
    try:
        _fill(cli, transfer, source, moving)
        whole = known(cli.server, transfer["id"])
    except (Conflict, InputInvalid, NotFound) as cause:
        note.forget()                   # nothing goes on with it
        raise CannotLook(f"{file} did not arrive: {cause}", hint=cause.hint or "run the command again") from cause
    except GuruError as error:
        error.hint = error.hint or "the same command goes on where it was"
        raise
    finally:
        moving.done()
    if whole is None or whole["state"] != "whole":
        note.forget()
        raise CannotLook(f"{file} changed while it was sent", hint="run the command again")
    return Uploaded(whole, note)


def _fill(cli: Cli, transfer: Transfer, source: BufferedReader, moving: Moving) -> None:
    size = transfer["size"] or 0
    source.seek(transfer["chunks"] * CHUNK)
    for number in range(transfer["chunks"], chunks_of(size)):
        moving.show(number * CHUNK, size)
        data = source.read(CHUNK)
        if len(data) != min(CHUNK, size - number * CHUNK):
            raise InputInvalid("it changed while it was sent")
        fill(cli.server, transfer["id"], number, data)
