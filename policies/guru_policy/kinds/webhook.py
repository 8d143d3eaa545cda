"""Where events are sent, as they happen. It holds the name of a secret, never a secret."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.errors import InputInvalid
from guru_policy.event_types import MOST_PATTERNS, patterns
from guru_policy.kinds.base import SelectorText, Spec
from guru_policy.kinds.notification_channel import Url
from guru_policy.model import wrong
from guru_policy.quantities import ItemId, shape


def _pattern(text: str) -> str:
    try:
        (found,) = patterns(text)
    except ValueError as cause:
        raise wrong("one type or pattern stands in each place", hint="such as alert.fired or device.*") from cause
    except InputInvalid as cause:
        raise wrong(cause.message, hint=cause.hint) from cause
    return found


EventPattern = Annotated[str, StringConstraints(max_length=64), AfterValidator(_pattern), shape("event type")]
"""A type of event such as `alert.fired`, or a pattern: `alert.*`, `*`."""


class Webhook(Spec):
    """POSTs events as CloudEvents, signed after Standard Webhooks."""

    url: Url = Field(description="where to POST each event, without user and password")
    events: tuple[EventPattern, ...] = Field(
        min_length=1, max_length=MOST_PATTERNS, description="types or patterns: `alert.fired`, `device.*`, `*`")
    sign: ItemId | None = Field(
        default=None, description="the name of the server's secret to sign with; absent: not signed")
    selector: SelectorText = Field(default="", description="only events of devices that match")
