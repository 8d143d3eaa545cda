"""Frames of the link: bytes to checked JSON and back. Pure; a frame that breaks the rules raises Broken."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from pydantic import BaseModel, JsonValue, ValidationError

from guru_policy.errors import InputInvalid
from guru_policy.model import Carried
from guru_server.gateway.ingest import Parcel
from guru_server.gateway.items import KINDS, Kind
from guru_server.gateway.plain import plain
from guru_wire.inventory import InventoryDelta
from guru_wire.link import MAX_BATCH_ITEMS
from guru_wire.running import Output, Run
from guru_wire.uplink import Checks, Facts, Layout, Refusal, Report

MAX_SEQ = (1 << 63) - 1
_BODIES: dict[str, type[Carried]] = {
    "layout": Layout, "facts": Facts, "checks": Checks, "report": Report, "refusal": Refusal,
    "output": Output, "run": Run, "inventory": InventoryDelta,
}
_CLEANED_LATER = frozenset({"output", "run", "inventory"})      # by whoever stores them: thousands come at once
_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS if kind != "refused"}


class Broken(InputInvalid):
    """The agent broke the rules of the link: the end of this connection, not of the agent."""


def opened(data: bytes | str, most: int) -> dict[str, JsonValue]:
    """The JSON object in a frame of at most `most` bytes."""
    if len(data) > most:
        raise Broken(f"a frame has more than {most} bytes")
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as cause:
        raise Broken("a frame is not JSON, or nested too deep") from cause
    if not isinstance(message, dict):
        raise Broken("a frame is not a JSON object")
    return message


def written(message: BaseModel) -> bytes:
    """The frame of a message."""
    return message.model_dump_json().encode()


def parcels(message: dict[str, JsonValue]) -> list[Parcel]:
    """The items of a Batch, sequences growing. A body that its kind's model refuses becomes `refused`.

    Samples go through untouched: whoever packs them looks at every place (telemetry). So do, once they are checked,
    output and runs (jobs) and rows of the inventory.
    """
    items = message.get("items")
    if not isinstance(items, list) or len(items) > MAX_BATCH_ITEMS:
        raise Broken(f"a batch has a list of at most {MAX_BATCH_ITEMS} items")
    found: list[Parcel] = []
    before = 0
    for item in items:
        if not isinstance(item, dict):
            raise Broken("an item of a batch is not an object")
        seq, kind = item.get("seq"), item.get("kind")
        if type(seq) is not int or not before < seq <= MAX_SEQ or not isinstance(kind, str):
            raise Broken("the sequences of a batch do not grow")
        before = seq
        body = item.get("body")
        found.append(Parcel(seq, "sample", body) if kind == "sample" else _rare(seq, kind, body))
    return found


def _rare(seq: int, kind: str, body: JsonValue) -> Parcel:
    known = _KINDS.get(kind)
    if known is None:
        reason = "this server does not know the kind"
        return Parcel(seq, "refused", {"kind": plain(kind, 16), "reason": reason})
    try:
        model = _BODIES[known].model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        reason = plain(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        return Parcel(seq, "refused", {"kind": known, "reason": reason})
    if known in _CLEANED_LATER:
        return Parcel(seq, known, body)
    return Parcel(seq, known, _cleaned(model.model_dump(mode="json")))


def _cleaned(value: JsonValue) -> JsonValue:
    """The same, with control characters out of every text and key; models bound the depth."""
    if isinstance(value, str):
        return plain(value, len(value))
    if isinstance(value, dict):
        return {plain(key, len(key)): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_cleaned(inner) for inner in value]
    return value
