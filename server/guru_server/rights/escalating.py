"""Nobody hands out more than they have: a key, or another person's password, is another's rights."""

from __future__ import annotations

from collections.abc import Sequence

from guru_policy.access.asking import Target
from guru_policy.access.deciding import EVERYTHING
from guru_policy.access.grants import grants_of
from guru_policy.errors import Refused
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG
from guru_server.rights.asking import Rights


def refuse_more(rights: Rights, names: frozenset[str], verbs: Sequence[str] = ()) -> None:
    """Refused when `names`, with no more than these verbs (empty: all), could do now what the asker cannot."""
    for rule in grants_of(rights.book, names).rules:
        if rule.held.effect == "deny":
            continue
        for verb in sorted(rule.verbs.intersection(verbs or VERBS)):
            target = EVERYTHING if rule.scope == ORG else Target(rule.scope)
            classes = rule.held.classes or (None,)
            decisions = [rights.decide(verb, [target], command_class=one) for one in classes]
            if not all(one.allowed for one in decisions):
                raise Refused(
                    f"{min(names)} could {verb} in {rule.scope} by {rule.ref}, and you cannot",
                    hint="narrow it with verbs and a scope, or ask somebody who may do all of it",
                )
