"""What simulated agents make of orders: believed as a real agent does, carried out by nobody. No I/O.

A signature over the same text is checked once for the whole process: thousands of devices share one processor here.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from pydantic import JsonValue

from guru_wire.link import Order as OrderMessage
from guru_wire.orders import Authority, Order, Proof, root_of
from guru_wire.querying import QueryColumns, QueryEnd, QueryRows
from guru_wire.running import Output, Run
from guru_wire.signing import Signed, unseal

KERNEL = "select version from kernel"   # the one query that has an answer
PARTS = (QueryColumns(columns=("version",)), QueryRows(rows=(("simulated",),)), QueryEnd(count=1))
TABLE = "".join(f"{part.model_dump_json()}\n" for part in PARTS)


def believed(frame: dict[str, JsonValue], state_key: bytes, device: str) -> Order | None:
    """The order when it is genuine and for the device; None when it is for others. Untrusted for a forged one."""
    message = OrderMessage.model_validate(frame)
    key = _vouched(state_key, message.authority)
    order = _signed(key, message.order)
    proof = Proof(message.nonce, message.place, message.path)
    return order if root_of(device, proof) == order.root else None


def carried_out(order: Order, name: str, now: int) -> Run:
    """What the machine says: `true` ends well and `false` does not, anything else prints the machine's name.

    It has no tables and nothing to look at, and says so: an empty answer would be believed. Only for KERNEL it has
    a row, which says what it is.
    """
    command = order.command
    asked = command.query is not None and command.query.sql == KERNEL
    if not asked and (command.query is not None or command.look is not None):
        return Run(job=order.job, state="failed", started_at=now, finished_at=now, duration=0,
                   reason="a simulated device has nothing to look at")
    words = command.argv or tuple((command.script or "").split())
    said = TABLE.encode() if asked else b"" if words in (("true",), ("false",)) else f"{name}\n".encode()
    rest = (Output(job=order.job, stream="out", offset=0, data=base64.b64encode(said).decode()),) if said else ()
    code = 1 if words == ("false",) else 0
    return Run(
        job=order.job, state="failed" if code else "succeeded", started_at=now, finished_at=now, duration=0,
        exit_code=code, out=len(said), kept=len(said), digest=said.hex()[:32], rest=rest,
    )


@lru_cache(64)
def _vouched(state_key: bytes, signed: Signed) -> bytes:
    return base64.b64decode(Authority.model_validate_json(unseal(state_key, "authority", signed)).key)


@lru_cache(256)
def _signed(key: bytes, signed: Signed) -> Order:
    return Order.model_validate_json(unseal(key, "order", signed))
