"""What happened, as an ordered stream of CloudEvents 1.0, and every type that there is. Pure; times are RFC 3339.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from guru_policy.model import Asked, Carried
from guru_wire.operator import Answer


class Event(Carried):
    """One CloudEvent. `sequence` is its place in the stream, the cursor that continues after it.

    `customer`, `site` and `device` are extension attributes, null when it is about none.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: str
    customer: str | None = None
    site: str | None = None
    device: str | None = None
    data: dict[str, JsonValue]


class Events(Answer):
    """Some of the stream, in its order. `cursor` continues it, now or later; `more` says that there is more already.

    `forgotten`: the cursor that was asked with is older than what is kept, so events are missing here.
    """

    items: tuple[Event, ...]
    cursor: str
    more: bool = Field(default=False)
    forgotten: bool = Field(default=False)


class HookRow(Carried):
    """A Webhook in force and how it goes. `hook` is org/NAME or customers/CUSTOMER/NAME; its URL's host is told."""

    hook: str
    customer: str
    host: str
    events: tuple[str, ...]
    selector: str
    signed: bool
    state: Literal["ok", "new", "failing", "disabled"]
    waiting: int
    last_ok_at: int | None
    failing_since: int | None
    disabled_at: int | None
    next_try_at: int | None
    error: str


class DeliveryRow(Carried):
    """One event for one webhook; `event` is also the `webhook-id` that it is sent with, however often."""

    id: str
    hook: str
    event: str
    type: str
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    status: int | None
    why: str                            # it was not taken; empty: it was, or no try is over yet
    created_at: int
    finished_at: int | None


class HookTest(Asked):
    """Try this webhook out."""

    hook: str = Field(max_length=200)
