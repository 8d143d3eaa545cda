"""Routes that cost more than others, as they say themselves. It counts nothing.

    @router.post("/plans")
    @needs("policy.plan", of="devices")
    @costly
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

RouteT = TypeVar("RouteT", bound=Callable[..., object])
_KEY = "guru_costly"


def costly(endpoint: RouteT) -> RouteT:
    """Declare it: this route has the small budget of what is expensive."""
    setattr(endpoint, _KEY, True)
    return endpoint


def weight_of(endpoint: object) -> bool:
    """Whether it is costly."""
    return bool(getattr(endpoint, _KEY, False))
