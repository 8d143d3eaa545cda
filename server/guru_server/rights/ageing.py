"""Routes that will go away, as they say themselves (RFC 9745, RFC 8594). It decides nothing.

    @router.get("/old")
    @needs("device.read", of="devices")
    @deprecated("2027-01-01", sunset="2028-01-01", instead="/api/v1/new")
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple, TypeVar

RouteT = TypeVar("RouteT", bound=Callable[..., object])
_KEY = "guru_ageing"
LEAST_DAYS = 365                        # docs/api.md promises that a route stays this long after it was deprecated


class Ageing(NamedTuple):
    """When it was deprecated, from when on it may be gone, and what to use instead."""

    since: datetime
    sunset: datetime
    instead: str

    @property
    def headers(self) -> dict[str, str]:
        """What every answer of it carries."""
        return {
            "deprecation": f"@{int(self.since.timestamp())}",
            "sunset": format_datetime(self.sunset, usegmt=True),
            "link": f'<{self.instead}>; rel="successor-version"',
        }


def deprecated(since: str, *, sunset: str, instead: str) -> Callable[[RouteT], RouteT]:
    """Declare it, with days as YYYY-MM-DD; ValueError when the route would go sooner than is promised."""
    begun, gone = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, sunset))
    if (gone - begun).days < LEAST_DAYS:
        raise ValueError(f"a route stays for {LEAST_DAYS} days after it was deprecated")

    def declare(endpoint: RouteT) -> RouteT:
        setattr(endpoint, _KEY, Ageing(begun, gone, instead))
        return endpoint

    return declare


def ageing_of(endpoint: object) -> Ageing | None:
    """What it declares."""
    found = getattr(endpoint, _KEY, None)
    return found if isinstance(found, Ageing) else None
