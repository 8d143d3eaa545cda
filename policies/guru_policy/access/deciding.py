"""The one decision: may this subject do this, to these targets, now? It looks nothing up and changes nothing.

Deny wins; what no rule allows is refused; a scope holds for itself and all below it. About a whole scope, where no
labels are known, a rule with a selector never allows and always denies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from guru_policy.access.asking import Answer, Circumstances, Decision, Subject, Target
from guru_policy.access.conditions import unmet as unmet_of
from guru_policy.access.grants import Applicable, Grants, Rule, covers
from guru_policy.file_rules import ANYTHING, FileRules, matches
from guru_policy.inventory import Device, Scalar
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG, Scope

INTERACTIVE = frozenset({"shell.join", "shell.open"})
ADMINISTRATIVE = frozenset({
    "access.break_glass", "approval.give", "device.approve", "device.enroll", "device.revoke", "policy.apply",
    "rollout.act", "secret.read", "secret.write", "update.approve", "user.manage", "user.provision",
})
EVERYTHING = Target(ORG)
Labels = Callable[[Device], Mapping[str, Scalar] | None]


def decide(
    subject: Subject, verb: str, targets: Sequence[Target], grants: Grants, around: Circumstances
) -> Decision:
    """The answer for every target. A verb that nobody knows is refused like one that no rule allows."""
    judge = _Judge(subject, verb, grants, around)
    return Decision(verb, tuple([judge.answer(target) for target in targets]))


def anywhere(subject: Subject, verb: str, grants: Grants) -> bool:
    """Whether any rule allows the verb anywhere at all, whatever its conditions; a first look, never the last."""
    return not _outside(subject, verb, None) and any(
        rule.held.effect == "allow" for rule in grants.about(verb)
    )


class Reach:
    """Which devices a subject may look at with a verb: the same answers as `decide`, cheap for many devices."""

    def __init__(self, subject: Subject, verb: str, grants: Grants, around: Circumstances) -> None:
        self._subject, self._verb, self._grants, self._around = subject, verb, grants, around
        self._judge = _Judge(subject, verb, grants, around)
        self.whole = self._judge.answer(EVERYTHING).allowed
        self._places: dict[tuple[str, str], bool | None] = {}

    def place(self, customer: str, site: str = "") -> bool | None:
        """Whether all devices of a customer or site are within reach: yes, no, or None: it depends on labels."""
        place = (customer, site)
        if place not in self._places:
            self._places[place] = self._of(Scope("site", *place) if site else Scope("customer", customer))
        return self._places[place]

    def sees(self, device: Device, labels: Labels) -> bool:
        """Whether the device is within reach; labels are asked for only when they decide."""
        if self.whole:
            return True
        here = self.place(*device.place)
        if here is not None:
            return here
        target = Target(Scope("site", *device.place), device.name, device.id, labels(device))
        return self._judge.answer(target).allowed

    def touches(self, customer: str) -> bool:
        """Whether any device of the customer may be within reach."""
        scope = Scope("customer", customer)
        if self.whole or _elsewhere(self._subject, customer) or _outside(self._subject, self._verb, None):
            return self.whole
        about = [rule for rule in self._grants.about(self._verb)
                 if covers(rule.scope, scope) or rule.scope.customer == customer]
        denied = any(rule.held.effect == "deny" and not rule.selector.requirements and covers(rule.scope, scope)
                     for rule in about)
        return not denied and any(
            rule.held.effect == "allow" and not unmet_of(rule.held, self._subject, self._around) for rule in about
        )

    def _of(self, scope: Scope) -> bool | None:
        found = self._grants.at(self._verb, scope)
        if scope.level == "customer" or not any(rule.selector.requirements for group in found for rule in group):
            return self._judge.answer(Target(scope)).allowed
        return None


class _Judge:
    """Answers for one subject and verb; devices that agree on what rules look at get one answer, made once."""

    def __init__(self, subject: Subject, verb: str, grants: Grants, around: Circumstances) -> None:
        self._subject, self._verb, self._grants, self._around = subject, verb, grants, around
        self._scopes: dict[Scope, tuple[tuple[str, ...] | None, dict[object, Answer]]] = {}

    def answer(self, target: Target) -> Answer:
        """The answer for one target."""
        labels, here = target.labels, self._scopes.get(target.scope)
        if here is None:
            here = self._scopes[target.scope] = self._looked_at(target.scope), {}
        keys, known = here
        if keys is None:
            return self._made(target)
        view = None if labels is None else tuple([_of_a_kind(labels.get(key)) for key in keys])
        answer = known.get(view)
        if answer is None:
            answer = known[view] = self._made(target)
        return answer

    def _made(self, target: Target) -> Answer:
        if target.labels is not None:
            kept = {key: value for key, value in target.labels.items() if key.startswith(("git/", "op/"))}
            target = target._replace(labels=kept)
        return _answer(self._subject, self._verb, target, self._grants, self._around)

    def _looked_at(self, scope: Scope) -> tuple[str, ...] | None:
        """The labels that decide in the scope; None when something of each single device does."""
        keys = self._grants.keys_at(self._verb, scope) - {"customer", "site"}
        return tuple(sorted(keys)) if all(key.startswith(("git/", "op/")) for key in keys) else None


def _of_a_kind(value: Scalar | None) -> object:
    """The value, told apart from what only compares equal, as 1 and true do."""
    return value if value is None or isinstance(value, str) else (type(value), value)


def _elsewhere(subject: Subject, customer: str) -> bool:
    """Whether the token is for another customer only."""
    return subject.cap.scope.level != "org" and subject.cap.scope.customer != customer


def _outside(subject: Subject, verb: str, target: Target | None) -> tuple[str, ...]:
    """What the token itself is not for."""
    found = []
    cap = subject.cap
    if cap.verbs and verb not in cap.verbs:
        found.append(f"it has no {verb}")
    if target is not None and not covers(cap.scope, target.scope):
        found.append(f"it is for {cap.scope} only")
    if subject.sign_in == "key" and verb in INTERACTIVE:
        found.append("a key opens no shell")
    if subject.sign_in == "device" and verb in ADMINISTRATIVE:
        found.append("a sign-in by a code that was typed elsewhere does not administer")
    return tuple(found)


def _answer(subject: Subject, verb: str, target: Target, grants: Grants, around: Circumstances) -> Answer:
    outside = _outside(subject, verb, target)
    if outside:
        return Answer(False, None, "token", outside)
    if verb not in VERBS:
        return Answer(False, None, "none")
    found: Applicable = grants.at(verb, target.scope)
    for rule in found.denies:
        if _fits(rule, verb, around, unknown=True) and _chosen(rule, target, grants, unknown=True):
            return Answer(False, rule.ref, "deny")
    nearest: tuple[Rule, tuple[str, ...]] | None = None
    for rule in found.allows:
        if _fits(rule, verb, around, unknown=False) and _chosen(rule, target, grants, unknown=False):
            unmet = unmet_of(rule.held, subject, around)
            if not unmet:
                return Answer(True, rule.ref)
            if nearest is None or len(unmet) < len(nearest[1]):
                nearest = rule, unmet
    if nearest is not None:
        return Answer(False, nearest[0].ref, "unmet", nearest[1])
    return Answer(False, None, "none")


def _chosen(rule: Rule, target: Target, grants: Grants, *, unknown: bool) -> bool:
    if not rule.selector.requirements:
        return True
    return unknown if target.labels is None else grants.selects(rule, target, target.labels)


def files_of(subject: Subject, verb: str, target: Target, grants: Grants, around: Circumstances) -> FileRules:
    """Which files of a device the verb is for, as its rules say: for the agent to judge where a path really leads."""
    found = grants.at(verb, target.scope)
    denies = [rule for rule in found.denies if _chosen(rule, target, grants, unknown=True)]
    allows = [rule for rule in found.allows if _chosen(rule, target, grants, unknown=False)
              and not unmet_of(rule.held, subject, around)]
    return FileRules(*(
        tuple(dict.fromkeys(path for rule in rules for path in rule.held.paths or (ANYTHING,)))
        for rules in (allows, denies)
    ))


def _fits(rule: Rule, verb: str, around: Circumstances, *, unknown: bool) -> bool:
    return _of_class(rule, verb, around, unknown=unknown) and _of_path(rule, around, unknown=unknown)


def _of_path(rule: Rule, around: Circumstances, *, unknown: bool) -> bool:
    if not rule.held.paths:
        return True
    return unknown if around.path is None else matches(rule.held.paths, around.path)


def _of_class(rule: Rule, verb: str, around: Circumstances, *, unknown: bool) -> bool:
    if verb != "command.run" or not rule.held.classes:
        return True
    return unknown if around.command_class is None else around.command_class in rule.held.classes
