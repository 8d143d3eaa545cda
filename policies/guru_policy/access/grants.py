"""The rules that hold for one subject, selectors read once, ready to be asked many times. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.access.asking import RuleRef, Target
from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, Rulebook
from guru_policy.conditions import Subject as Looked
from guru_policy.inventory import Place, Scalar
from guru_policy.kinds.binding import read_scope
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.selector import Selector, parse

MOST_KNOWN = 20_000                     # places remembered, of one subject


@dataclass(frozen=True)
class Rule:
    """One rule at the scope of one binding."""

    ref: RuleRef
    scope: Scope
    held: HeldRule
    selector: Selector
    verbs: frozenset[str]


class Applicable(NamedTuple):
    """The rules about one verb that reach one place, in an order that says nothing."""

    denies: tuple[Rule, ...]
    allows: tuple[Rule, ...]


class Grants:
    """All rules of a subject in one revision."""

    def __init__(self, revision: str, rules: Iterable[Rule], groups: Mapping[str, Selector]) -> None:
        self.revision = revision
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.ref, str(rule.scope))))
        self._groups = groups if any("group" in rule.selector.keys for rule in self.rules) else {}
        self._known: dict[tuple[str, Scope], Applicable] = {}

    def plus(self, other: Grants) -> Grants:
        """These rules and those of another rulebook, groups as here."""
        return Grants(self.revision, (*self.rules, *other.rules), {**self._groups, **other._groups})

    def about(self, verb: str) -> tuple[Rule, ...]:
        """Every rule about the verb, wherever it holds."""
        return tuple(rule for rule in self.rules if verb in rule.verbs)

    def at(self, verb: str, scope: Scope) -> Applicable:
        """Those that reach the scope: an allow holds for it and all below, a deny also for all above."""
        known = self._known.get((verb, scope))
        if known is None:
            about = self.about(verb)
            known = Applicable(
                tuple(rule for rule in about if rule.held.effect == "deny"
                      and (covers(rule.scope, scope) or covers(scope, rule.scope))),
                tuple(rule for rule in about if rule.held.effect == "allow" and covers(rule.scope, scope)),
            )
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[verb, scope] = known
        return known

    def keys_at(self, verb: str, scope: Scope) -> frozenset[str]:
        """Everything that the selectors of those rules look at, groups by what they look at themselves."""
        keys = {key for rules in self.at(verb, scope) for rule in rules for key in rule.selector.keys}
        if "group" in keys:
            keys = (keys - {"group"}).union(*(selector.keys for selector in self._groups.values()))
        return frozenset(keys)

    def selects(self, rule: Rule, target: Target, labels: Mapping[str, Scalar]) -> bool:
        """Whether the rule's selector matches a device of which the labels are known."""
        looked = Looked(labels, Place(target.scope.customer, target.scope.site), target.name, target.id)
        if self._groups and "group" in rule.selector.keys:
            inside = frozenset(name for name, selector in self._groups.items() if selector.accepts(looked))
            looked = looked._replace(groups=inside)
        return rule.selector.accepts(looked)


def covers(outer: Scope, inner: Scope) -> bool:
    """Whether `inner` is the scope `outer` or lies below it."""
    if outer.level == "org":
        return True
    if outer.level == "customer":
        return inner.level in ("customer", "site", "device") and inner.customer == outer.customer
    return inner.level in ("site", "device") and (inner.customer, inner.site) == (outer.customer, outer.site)


def grants_of(book: Rulebook, names: frozenset[str]) -> Grants:
    """What the bindings of the book give to a subject with these names."""
    roles = {role.name: role for role in book.roles}
    rules = [
        rule
        for binding in book.bindings
        if names.intersection(binding.subjects) and binding.role in roles
        for rule in _rules(book, roles[binding.role], binding)
    ]
    return Grants(book.revision, rules, {name: parse(text) for name, text in book.groups})


def _rules(book: Rulebook, role: HeldRole, binding: HeldBinding) -> Iterable[Rule]:
    scope = ORG if binding.scope == "org" else read_scope(binding.scope)
    for held in role.rules:
        at = f"{role.path}:{held.line}" if held.line else role.path
        ref = RuleRef(role.name, held.id, binding.name, at, book.revision)
        yield Rule(ref, scope, held, parse(held.selector), expanded(held.verbs))


def expanded(verbs: Iterable[str]) -> frozenset[str]:
    """The verbs that `*`, `alert.*` and single verbs stand for."""
    found: set[str] = set()
    for text in verbs:
        if text == "*":
            return frozenset(VERBS)
        found |= {verb for verb in VERBS if verb.startswith(text[:-1])} if text.endswith(".*") else {text}
    return frozenset(found)
