"""The server's answers about events and webhooks as plain rows: the shapes of guru_wire.events without its models."""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers_planning import Json


class Event(TypedDict):
    """One CloudEvent; `sequence` is the cursor that continues after it."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    sequence: str
    customer: str | None
    site: str | None
    device: str | None
    data: dict[str, Json]


class Events(TypedDict):
    """Some of the stream; `cursor` continues it, `more` says that there is more already."""

    apiVersion: str
    items: list[Event]
    cursor: str
    more: bool
    forgotten: bool


class HookRow(TypedDict):
    """A webhook in force, and how it goes."""

    hook: str
    customer: str
    host: str
    events: list[str]
    selector: str
    signed: bool
    state: str
    waiting: int
    last_ok_at: int | None
    failing_since: int | None
    disabled_at: int | None
    next_try_at: int | None
    error: str


class DeliveryRow(TypedDict):
    """One event for one webhook."""

    id: str
    hook: str
    event: str
    type: str
    state: str
    attempts: int
    status: int | None
    why: str
    created_at: int
    finished_at: int | None
