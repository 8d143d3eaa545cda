"""What agents report of jobs, and the states of a run. Frozen models, no logic. Times are ms UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Carried
from guru_wire.orders import JobId
from guru_wire.uplink import Whole

PIECE = 32 << 10                        # bytes in one Output, before base64
Stream = Literal["out", "err"]
State = Literal[
    "queued", "sent", "running", "succeeded", "failed", "timed_out", "expired", "cancelled", "lost"
]
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "timed_out", "expired", "cancelled", "lost"})
Said = Literal["running", "succeeded", "failed", "timed_out", "expired", "cancelled", "lost"]
"""What an agent may say of a run. `lost`: it began, and nobody knows how it ended."""


class Output(Carried):
    """A piece of what a command prints: item kind `output`. `offset` counts bytes of its stream."""

    job: JobId
    stream: Stream
    offset: int = Field(ge=0, lt=1 << 40)
    data: Annotated[str, StringConstraints(max_length=PIECE * 4 // 3 + 4)]     # base64


class OfSchedule(Carried):
    """The Schedule that a device ran by itself, its template, and the time that it was for (ms UTC)."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    template: Annotated[str, StringConstraints(max_length=128)] = ""
    due: Whole


class Run(Carried):
    """How a run stands: item kind `run`. The last one of a run has a state that is an end.

    `out` and `err` count what was printed, `kept` what of both was kept; less than their sum is truncated. The
    digests are of the kept bytes. `rest` are the last pieces, so that a short command is one item.
    """

    job: JobId
    state: Said
    started_at: Whole | None = None
    finished_at: Whole | None = None
    duration: int | None = Field(default=None, ge=0, lt=1 << 40)               # ms, by a clock nobody sets
    exit_code: int | None = Field(default=None, ge=-(1 << 31), lt=1 << 32)
    signal: int | None = Field(default=None, ge=1, le=128)
    out: int = Field(default=0, ge=0, lt=1 << 62)
    err: int = Field(default=0, ge=0, lt=1 << 62)
    kept: int = Field(default=0, ge=0, lt=1 << 40)
    digest: Annotated[str, StringConstraints(max_length=64)] = ""
    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    rest: tuple[Output, ...] = Field(default=(), max_length=4)
    schedule: OfSchedule | None = None  # since LANGUAGE 9: nobody ordered it; all that is kept is in `rest`
