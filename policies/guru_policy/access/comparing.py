"""Who gains and who loses what between two rulebooks. It compares what is written, for no device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guru_policy.access.conditions import hours
from guru_policy.access.grants import expanded
from guru_policy.access.rulebook import HeldRule, Rulebook

_Said = tuple[str, str, bool, str]      # subject, scope, whether it denies, what


class RightsChange(NamedTuple):
    """One subject at one scope."""

    subject: str
    scope: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]


def rights_changes(old: Rulebook, new: Rulebook) -> tuple[RightsChange, ...]:
    """By subject and scope; a deny that ends is a gain, a new one a loss."""
    before, after = frozenset(_said(old)), frozenset(_said(new))
    gains: dict[tuple[str, str], list[str]] = {}
    loses: dict[tuple[str, str], list[str]] = {}
    for subject, scope, denies, what in sorted(after - before):
        (loses if denies else gains).setdefault((subject, scope), []).append(f"denied {what}" if denies else what)
    for subject, scope, denies, what in sorted(before - after):
        words = f"no longer denied {what}" if denies else what
        (gains if denies else loses).setdefault((subject, scope), []).append(words)
    return tuple(
        RightsChange(*place, tuple(gains.get(place, ())), tuple(loses.get(place, ())))
        for place in sorted({*gains, *loses})
    )


def can_apply(book: Rulebook) -> bool:
    """Whether any binding lets anybody apply policy to the whole fleet."""
    applying = {
        role.name for role in book.roles
        if any(rule.effect == "allow" and not rule.selector and "policy.apply" in expanded(rule.verbs)
               for rule in role.rules)
    }
    return any(binding.role in applying and binding.scope == "org" for binding in book.bindings)


def _said(book: Rulebook) -> Iterator[_Said]:
    rules = {role.name: role.rules for role in book.roles}
    for binding in book.bindings:
        for rule in rules.get(binding.role, ()):
            for subject in binding.subjects:
                for verb in expanded(rule.verbs):
                    yield subject, binding.scope, rule.effect == "deny", _what(verb, rule)


def _what(verb: str, rule: HeldRule) -> str:
    words = [verb]
    if verb == "command.run" and rule.classes:
        words.append(f"of class {', '.join(sorted(rule.classes))}")
    if rule.selector:
        words.append(f"on {rule.selector}")
    asked = [
        *([f"second factor within {rule.mfa_within} s"] if rule.mfa_within else []),
        *(["a ticket"] if rule.ticket or rule.ticket_pattern else []),
        *([f"hours {hours(rule.window)}"] if rule.window else []), *(["an approval"] if rule.approval else []),
        *([f"at most {rule.max_devices} devices"] if rule.max_devices else []),
    ]
    return " ".join(words) + (f" with {', '.join(asked)}" if asked else "")
