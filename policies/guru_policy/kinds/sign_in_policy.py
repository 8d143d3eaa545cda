"""How people of the organisation sign in. There is at most one; without one the defaults hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.kinds.base import Spec
from guru_policy.quantities import PositiveDuration

Method = Literal["password", "passkey", "sso"]
METHODS: tuple[Method, ...] = ("password", "passkey", "sso")


class SignInPolicy(Spec):
    """What a sign-in has to show, and how long it lasts."""

    second_factor: Literal["required", "optional"] = Field(
        default="optional", description="`required`: who has none can do nothing but set one up")
    methods: tuple[Method, ...] = Field(
        default=METHODS, min_length=1, max_length=3,
        description="what opens a session; without `password`, one opens no more than the way to a first passkey")
    device_flow: bool = Field(
        default=False, description="whether a shell without a browser may be let in from another sign-in, by a code")
    session: PositiveDuration = Field(default=43_200, description="a sign-in ends after this time at the latest")
    idle: PositiveDuration = Field(default=28_800, description="it ends sooner when nobody used it for so long")
