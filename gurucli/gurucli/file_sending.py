"""Has a device send a file into a transfer, and listens until all of it is there. It keeps nothing here."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress

from pydantic import ValidationError

from guru_policy.errors import DeadlinePassed, GuruError
from guru_wire.chunks import Sent
from gurucli.answers_jobs import JobCancelled, JobMade, JobRow, OutputRow
from gurucli.answers_transfers import Transfer
from gurucli.client import Client, part
from gurucli.following import Listener, follow
from gurucli.job_verdict import verdict
from gurucli.transfers import Older, known

LIMIT = 6 * 3600                        # seconds that a device may take to send a file
BEGINS = 60                             # seconds in which it has to begin
HELD = 0.5                              # seconds between two questions how far it is
SILENCE = 600.0                         # seconds without a chunk until nobody waits any more
Heard = Callable[[Transfer], None]


def sent(
    server: Client, device: str, path: str, transfer: Transfer, heard: Heard,
    clock: Callable[[], float] = time.monotonic,
) -> Sent:
    """Order it and tell `heard` how far it is, until the device says that it is over; what it told of the file.

    Raises what went wrong there; Older when it took the order for an empty one.
    """
    made = server.post(JobMade, "/jobs", {
        "device": device, "file": {"op": "send", "path": path, "transfer": transfer["id"]}, "timeout": LIMIT,
        "expires": BEGINS})
    waiting, printed = _Waiting(server, transfer, heard, clock), dict[int, bytes]()

    def piece(row: OutputRow, text: str) -> None:
        printed[row["offset"]] = base64.b64decode(row["data"])

    try:
        followed = follow(server, made["job"], made["next"], Listener(piece=piece, counts=waiting.look), held=HELD)
    except KeyboardInterrupt:
        server.close()                  # an answer was still being waited for on that connection
        with suppress(GuruError):
            server.post(JobCancelled, f"/jobs/{part(made['job']['id'])}/cancel", {})
        raise
    error = verdict(followed.job, list(followed.runs.values()), silent=followed.silent)
    if error is not None:
        raise _failed(error, arrived=waiting.chunks > 0)
    try:
        return Sent.model_validate_json(b"".join(printed[at] for at in sorted(printed)))
    except ValidationError as cause:
        raise Older("the agent sends no files", hint="update it; `guru cat` works") from cause


def _failed(error: GuruError, *, arrived: bool) -> GuruError:
    """Older when nothing arrived and the device failed: one below LANGUAGE 13 finds nothing to do in such an order."""
    if arrived or type(error) is not GuruError:
        return error
    older = Older(str(error), hint=error.hint)
    older.told = error
    return older


class _Waiting:
    """How far it is, and since when nothing came."""

    def __init__(self, server: Client, transfer: Transfer, heard: Heard, clock: Callable[[], float]) -> None:
        self._server, self._name, self._heard, self._clock = server, transfer["id"], heard, clock
        self.chunks, self._since = transfer["chunks"], clock()

    def look(self, job: JobRow) -> None:
        """Ask, and hand it on. DeadlinePassed when nothing came for too long."""
        found = known(self._server, self._name)
        if found is None:
            return                      # the device says why
        if found["chunks"] > self.chunks:
            self.chunks, self._since = found["chunks"], self._clock()
        elif self._clock() - self._since > SILENCE:
            raise DeadlinePassed("the device sends nothing any more", hint="the same command goes on where it was")
        self._heard(found)
