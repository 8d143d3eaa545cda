"""Routes that cost more or less than others, as they say themselves. It counts nothing.

    @router.post("/plans")
    @needs("policy.plan", of="devices")
    @costly
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

RouteT = TypeVar("RouteT", bound=Callable[..., object])
_KEY, _LIGHT = "guru_costly", "guru_light"


def costly(endpoint: RouteT) -> RouteT:
    """Declare it: this route has the small budget of what is expensive."""
    setattr(endpoint, _KEY, True)
    return endpoint


def light(endpoint: RouteT) -> RouteT:
    """Declare it: this route changes something, and has the large budget of what reads."""
    setattr(endpoint, _LIGHT, True)
    return endpoint


def light_of(endpoint: object) -> bool:
    """Whether it is light."""
    return bool(getattr(endpoint, _LIGHT, False))


def weight_of(endpoint: object) -> bool:
    """Whether it is costly."""
    return bool(getattr(endpoint, _KEY, False))
