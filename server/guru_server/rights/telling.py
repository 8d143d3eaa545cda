"""Decisions and grants put into the words of the API. It decides nothing itself."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from guru_policy.access.asking import Answer, Decision
from guru_policy.access.conditions import hours
from guru_policy.access.grants import Grants, Rule
from guru_server.identity import people
from guru_server.identity.people import Kind
from guru_server.rights.asking import Rights
from guru_wire.access import AccessAnswer, KeyRow, Reason, RoleHeld, RuleSeen


def roles_held(rights: Rights) -> tuple[RoleHeld, ...]:
    """The roles of whoever asks, once for each binding."""
    return held_by(rights.grants)


def held_by(grants: Grants) -> tuple[RoleHeld, ...]:
    """The roles in these grants."""
    found: dict[tuple[str, str, str], RoleHeld] = {}
    for rule in grants.rules:
        key = (rule.ref.role, rule.ref.binding, str(rule.scope))
        found.setdefault(key, RoleHeld(role=key[0], binding=key[1], scope=key[2], at=rule.ref.at))
    return tuple(found.values())


def answer_of(decision: Decision, about: str, devices: int) -> AccessAnswer:
    """A decision about `devices` devices; 0: about a whole scope."""
    counted = Counter(decision.answers)
    return AccessAnswer(
        verb=decision.verb, about=about, allowed=decision.allowed, devices=devices, told=decision.told(),
        allowed_devices=sum(one.allowed for one in decision.answers) if devices else 0,
        reasons=tuple(reason_of(answer, number if devices else 0) for answer, number in counted.items()),
    )


def reason_of(answer: Answer, devices: int) -> Reason:
    """One answer, which so many devices share."""
    rule = answer.rule
    return Reason(
        allowed=answer.allowed, devices=devices, why=answer.why or "", unmet=answer.unmet,
        **({"role": rule.role, "rule": rule.rule, "binding": rule.binding, "at": rule.at, "revision": rule.revision}
           if rule else {}),
    )


def seen(rule: Rule, *, applies: bool) -> RuleSeen:
    """A rule, for whoever asks why."""
    held = rule.held
    asked = (
        (held.mfa_within, f"a second factor within {held.mfa_within} s"),
        (held.ticket or held.ticket_pattern, f"a ticket {held.ticket_pattern}".strip()),
        (held.window, f"hours {hours(held.window)}" if held.window else ""),
        (held.approval, "an approval by somebody else"), (held.max_devices, f"at most {held.max_devices} devices"),
        (held.classes, f"only classes {', '.join(held.classes)}"),
    )
    return RuleSeen(
        role=rule.ref.role, rule=rule.ref.rule, binding=rule.ref.binding, scope=str(rule.scope), effect=held.effect,
        at=rule.ref.at, selector=held.selector, applies=applies,
        conditions=tuple(words for there, words in asked if there),
    )


def key_rows(connection: Connection, tenant: str, kind: Kind) -> list[KeyRow]:
    """Keys or clients, the oldest first, without secrets."""
    return [
        KeyRow(
            id=row.id, name=row.name, role=row.role, verbs=row.limits.verbs, scope=row.limits.scope,
            addresses=row.limits.addresses, created_at=row.created_at, created_by=row.created_by,
            expires_at=row.expires_at, last_used_at=row.last_used_at, revoked=row.revoked_at is not None,
        )
        for row in people.tokens(connection, tenant, kind)
    ]
