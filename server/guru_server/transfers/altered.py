"""The error for what came otherwise than it was told."""

from __future__ import annotations

from guru_policy.errors import InputInvalid


class Altered(InputInvalid):
    """What came has another digest than was told. Answered with 422."""
