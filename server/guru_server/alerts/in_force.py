"""What alerts need to know of the fleet repository in force, as a Protocol. It never looks at a Git tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guru_policy.alerting.routing import Routing
from guru_policy.alerting.rule import Rule


class InForce(Protocol):
    """The rules and routes of every customer, as the revisions in force have them."""

    async def refresh(self) -> None:
        """Take over what is in force now; the other methods look at that."""
        ...

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        """The rules for a customer's devices; None while that is not known (nothing is resolved then)."""
        ...

    def routing_for(self, customer: str) -> Routing | None:
        """How a customer's alerts are told; None while that is not known (nobody is told then)."""
        ...
