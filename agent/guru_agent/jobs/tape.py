"""What a command prints, kept up to its limit and sent on in pieces while it still runs. It never blocks the command.

The head is kept: what comes after the limit is read, counted and thrown away. When results crowd the spool, or the
disk is full, the limit is what was kept by then.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from guru_agent.state.spool import Spool
from guru_agent.state.store import StoreFull
from guru_wire.running import PIECE, Output, Stream

PAUSE = 0.1                             # seconds that output is gathered before it is sent
REST = 8 << 10                          # bytes that go with the end of the run itself
STREAMS: tuple[Stream, ...] = ("out", "err")


class Counts(NamedTuple):
    """Bytes printed on each stream, bytes kept of both, and the digest of what was kept."""

    out: int
    err: int
    kept: int
    digest: str


class Tape:
    """One run's output. Without a spool nothing is sent ahead: all of it is `rest`."""

    def __init__(self, job: str, limit: int, spool: Spool | None) -> None:
        self._job, self._limit, self._spool = job, limit, spool
        self._printed: dict[Stream, int] = dict.fromkeys(STREAMS, 0)
        self._waiting: dict[Stream, bytearray] = {stream: bytearray() for stream in STREAMS}
        self._sent: dict[Stream, int] = dict.fromkeys(STREAMS, 0)
        self._digests = {stream: hashlib.sha256() for stream in STREAMS}
        self._kept = 0
        self._timer: asyncio.TimerHandle | None = None

    def heard(self, stream: Stream, data: bytes) -> bool:
        """Take what was printed; False when none of it was of use, so that reading may be slower."""
        self._printed[stream] += len(data)
        taken = data[: max(0, self._limit - self._kept)]
        if not taken:
            return False
        self._kept += len(taken)
        self._waiting[stream] += taken
        if self._spool is None:
            return True
        if len(self._waiting[stream]) >= PIECE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.flush)
        return True

    def flush(self) -> None:
        """Hand what waits to the spool."""
        self._rest_here()
        if self._spool is None:
            return
        for stream in STREAMS:
            for piece in self._pieces(stream):
                try:
                    self._put(self._spool, piece)
                except StoreFull:
                    self._limit = 0
                    return
        if self._spool.crowded:
            self._limit = 0

    def rest(self) -> tuple[Output, ...]:
        """The last pieces when they are small; what is large went to the spool before."""
        if self._spool is not None and sum(map(len, self._waiting.values())) > REST:
            self.flush()
        self._rest_here()
        found = []
        for stream in STREAMS:
            found += self._pieces(stream)
        return tuple(found)

    def counts(self) -> Counts:
        """What there was; call it once everything was handed on."""
        kept = sum(self._sent.values())
        both = "".join(self._digests[stream].hexdigest() for stream in STREAMS)
        return Counts(self._printed["out"], self._printed["err"], kept, hashlib.sha256(both.encode()).hexdigest()[:32])

    def _rest_here(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pieces(self, stream: Stream) -> list[Output]:
        """All that waits of a stream, as pieces; they count as handed on."""
        waiting, found = self._waiting[stream], []
        for start in range(0, len(waiting), PIECE):
            data = bytes(waiting[start : start + PIECE])
            found.append(Output(
                job=self._job, stream=stream, offset=self._sent[stream], data=base64.b64encode(data).decode()
            ))
            self._digests[stream].update(data)
            self._sent[stream] += len(data)
        waiting.clear()
        return found

    def _put(self, spool: Spool, piece: Output) -> None:
        name = f"output:{piece.job}:{piece.stream}:{piece.offset}"
        try:
            spool.add_result("output", piece.model_dump_json().encode(), same=name, subject=name)
        except StoreFull:
            self._sent[piece.stream] = piece.offset
            raise


Heard = Callable[[Stream, bytes], bool]
