"""Where a note can go, and what it says. Nothing here talks to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """An HTTP endpoint. `secret` names an entry of the server's setting `notify_secrets`; empty: unsigned."""

    url: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """People, by mail through the server's SMTP settings."""

    to: tuple[str, ...]


Channel: TypeAlias = WebhookChannel | EmailChannel


class ChannelsInForce(Protocol):
    """The channels of every customer, as the revisions in force have them."""

    def channels_for(self, customer: str) -> Mapping[str, Channel] | None:
        """Channels by name; None while that is not known (notes wait then)."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel delivers. `id` stays the same however often it is tried; `sent_at` is ms UTC."""

    id: str
    sent_at: int
    payload: Mapping[str, JsonValue]
