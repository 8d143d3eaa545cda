"""What ingest hands to the subjects that store it; it never stores anything itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection

Kind = Literal["layout", "sample", "facts", "checks", "report", "refusal", "output", "run", "inventory", "refused"]

# The order in which kinds are stored inside one transaction: the same everywhere, so locks never cross.
KINDS: tuple[Kind, ...] = (
    "layout", "sample", "facts", "checks", "report", "refusal", "output", "run", "inventory",
    "refused",
)


class Received(NamedTuple):
    """One item of one device, new (never handed over before) and in the order of its sequence.

    `body` is JSON as the agent sent it: a model of guru_wire.uplink, running or inventory by kind,
    checked by the gateway except for samples. For the kind `refused`, which agents cannot send, it is
    {"kind": ..., "reason": ...}.
    """

    tenant: str
    device: str
    seq: int
    body: JsonValue


# Stores some items inside the caller's transaction and says which devices changed, by bus topic.
# It raises for a body that it cannot store; ingest then finds the one item and refuses only that.
Recorder = Callable[[Connection, Sequence[Received]], Mapping[str, set[str]]]
