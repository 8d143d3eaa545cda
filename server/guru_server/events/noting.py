"""Writes what happened, in the transaction of what it tells about. It locks nothing and numbers nothing.

An event gets its place in the stream when somebody looks (numbering.py), so that writers never wait for each other.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, bindparam, text

from guru_policy.text.flattening import plain
from guru_server.events.tables import event

MOST_TEXT = 500                         # characters of one text in an event
MOST_DATA = 8 << 10                     # bytes of an event's data
_SLICE = 500                            # ids in one statement
_PLACES = text("SELECT id, name, customer, site FROM device WHERE tenant = :tenant AND id IN :ids").bindparams(
    bindparam("ids", expanding=True))
_counter = itertools.count(secrets.randbelow(1 << 20))


class Happening(NamedTuple):
    """What happened to what. With a `device` its name and place are looked up."""

    type: str
    subject: str
    data: Mapping[str, JsonValue]
    device: str = ""
    customer: str = ""
    site: str = ""
    job: str = ""


def note(connection: Connection, tenant: str, now: int, happened: Iterable[Happening]) -> None:
    """Write events, in this order. Texts in them are cut and made safe."""
    found = list(happened)
    if not found:
        return
    places = _places(connection, tenant, sorted({one.device for one in found if one.device}))
    connection.execute(event.insert(), [_row(tenant, now, one, places.get(one.device)) for one in found])


class _Place(NamedTuple):
    name: str
    customer: str
    site: str


def _places(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for start in range(0, len(ids), _SLICE):
        rows = connection.execute(_PLACES, {"tenant": tenant, "ids": ids[start : start + _SLICE]})
        found |= {row.id: _Place(row.name, row.customer, row.site) for row in rows}
    return found


def _row(tenant: str, now: int, one: Happening, place: _Place | None) -> dict[str, str | int | None]:
    data = {**({"name": place.name} if place else {}), **{name: _safe(value) for name, value in one.data.items()}}
    written = json.dumps(data)
    if len(written) > MOST_DATA:
        written = json.dumps({name: value for name, value in data.items() if not isinstance(value, dict | list)})
    return {
        "tenant": tenant, "id": f"{now:012x}{next(_counter) & 0xFFFFFF:06x}{secrets.token_hex(7)}", "seq": None,
        "at": now, "type": one.type, "subject": plain(one.subject, 300), "device": one.device[:32], "job": one.job[:32],
        "customer": (place.customer if place else one.customer)[:63], "site": (place.site if place else one.site)[:63],
        "data": written if len(written) <= MOST_DATA else "{}",
    }


def _safe(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return plain(value, MOST_TEXT)
    if isinstance(value, dict):
        return {plain(name, 64): _safe(member) for name, member in value.items()}
    return [_safe(member) for member in value] if isinstance(value, list) else value
