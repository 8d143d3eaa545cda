"""What alerts need to know of the fleet repository in force, as a Protocol. It never looks at a Git tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from guru_policy.inventory import Device
from guru_server.alerts.rules import Timing
from guru_server.gateway.plain import plain

_FIELD = re.compile(r"\{([a-z]+)\}")
SUMMARY = "{device}: {check} is {state}: {message}"


@dataclass(frozen=True, slots=True)
class Rule:
    """An AlertRule in force for a customer."""

    key: str                            # scope and name, which no other rule shares
    name: str
    check: str                          # a check's id, or a glob over ids
    timing: Timing
    severity: str
    notify: tuple[str, ...]             # names of channels
    chooses: Callable[[Device], bool]   # the rule's selector over the device's labels
    summary: str = SUMMARY

    def watches(self, device: Device, check: str) -> bool:
        """Whether this rule is about that check of that device."""
        return fnmatchcase(check, self.check) and self.chooses(device)


class RulesInForce(Protocol):
    """The rules of every customer, as the revisions in force have them."""

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        """The rules for a customer's devices; None while that is not known (nothing is resolved then)."""
        ...


def summarise(template: str, values: Mapping[str, str]) -> str:
    """The template with each known `{field}` replaced, at most 300 characters; others stay as written."""
    return plain(_FIELD.sub(lambda found: values.get(found[1], found[0]), template), 300)
