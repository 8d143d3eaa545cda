"""What alerts need to know of the fleet repository in force, as a Protocol. It never looks at a Git tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guru_policy.alerting.rule import Rule


class RulesInForce(Protocol):
    """The rules of every customer, as the revisions in force have them."""

    async def refresh(self) -> None:
        """Take over what is in force now; the other method looks at that."""
        ...

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        """The rules for a customer's devices; None while that is not known (nothing is resolved then)."""
        ...
