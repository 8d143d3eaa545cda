"""Where a note can go, and what it says. Nothing here talks to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from guru_policy.kinds.notification_channel import Email, Webhook

Channel = Webhook | Email


class ChannelsInForce(Protocol):
    """The channels of every customer, as the revisions in force have them."""

    async def refresh(self) -> None:
        """Take over what is in force now; the other method looks at that."""
        ...

    def channels_for(self, customer: str) -> Mapping[str, Channel] | None:
        """Channels by name; None while that is not known (notes wait then)."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel delivers. `id` stays the same however often it is tried; `sent_at` is ms UTC."""

    id: str
    sent_at: int
    payload: Mapping[str, JsonValue]
    content_type: str = "application/json"
