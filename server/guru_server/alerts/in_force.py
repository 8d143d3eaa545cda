"""What alerts need to know of the fleet repository in force, as a Protocol. It never looks at a Git tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from guru_policy.inventory import Device
from guru_policy.kinds.alert_rule import AlertRule
from guru_server.alerts.rules import Timing
from guru_server.gateway.plain import plain

SUMMARY_MOST = 300


@dataclass(frozen=True, slots=True)
class Rule:
    """An AlertRule in force for a customer, with its selector resolved."""

    key: str                            # scope and name, which no other rule shares: org/disk-full
    spec: AlertRule
    chooses: Callable[[Device], bool]   # the rule's selector over the device's labels

    @property
    def timing(self) -> Timing:
        """The part that decides, in ms."""
        return Timing(self.spec.state, hold=self.spec.lasting * 1000, keep=self.spec.keep_firing * 1000)

    def watches(self, device: Device, check: str) -> bool:
        """Whether this rule is about that check of that device."""
        return fnmatchcase(check, self.spec.check) and self.chooses(device)

    def summary(self, values: Mapping[str, str]) -> str:
        """One line for people; what devices say in it is made safe to show."""
        return plain(self.spec.summarize(values), SUMMARY_MOST)


class RulesInForce(Protocol):
    """The rules of every customer, as the revisions in force have them."""

    async def refresh(self) -> None:
        """Take over what is in force now; the other method looks at that."""
        ...

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        """The rules for a customer's devices; None while that is not known (nothing is resolved then)."""
        ...
