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
