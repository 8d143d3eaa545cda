"""What happened, as somebody who sees everything reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
from sqlalchemy import Connection

from guru_policy.event_types import PREFIX
from guru_server.events.noting import Happening, note
from guru_server.store.schema import TENANT
from guru_wire.events import Events

T = 1_700_000_000_000


def happen(connection: Connection, *names: str, now: int = T, customer: str = "") -> None:
    """Write events whose subjects are these names."""
    note(connection, TENANT, now, [
        Happening("device.labelled", name, {"x": name}, customer=customer) for name in names
    ])


def happening(*names: str, now: int = T) -> Callable[[Connection], None]:
    """The same, for Database.write."""
    return lambda connection: happen(connection, *names, now=now)


async def stream(http: httpx.AsyncClient, **query: object) -> Events:
    """One answer of the route."""
    answer = await http.get("/events", params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return Events.model_validate_json(answer.text)


def types(events: Events) -> list[str]:
    return [one.type.removeprefix(PREFIX) for one in events.items]


def subjects(events: Events) -> Sequence[str]:
    return [one.subject for one in events.items]
