"""The three fixed roles of tokens, as a rulebook like any other. No repository can change them."""

from __future__ import annotations

from typing import Literal, get_args

from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, Rulebook
from guru_policy.kinds.role import VERBS

FixedRole = Literal["admin", "operator", "viewer"]
FIXED_ROLES: tuple[FixedRole, ...] = get_args(FixedRole)
PATH = "built in"

_VIEWER = ("alert.read", "device.read", "policy.plan", "report.read", "server.read", "ticket.read", "update.plan")
_ADMIN_ONLY = {
    "access.break_glass", "approval.give", "audit.read", "device.revoke", "secret.read", "secret.write", "user.manage",
    "user.provision",
}
_VERBS: dict[FixedRole, tuple[str, ...]] = {
    "admin": ("*",),
    "operator": tuple(verb for verb in VERBS if verb not in _ADMIN_ONLY),
    "viewer": _VIEWER,
}


def subject_of(role: FixedRole) -> str:
    """The subject that has the fixed role in BUILT_IN."""
    return f"role:{role}"


BUILT_IN = Rulebook(
    revision="",
    roles=tuple(
        HeldRole(name=name, path=PATH, rules=(HeldRule(id="all", effect="allow", verbs=verbs, line=0),))
        for name, verbs in _VERBS.items()
    ),
    bindings=tuple(
        HeldBinding(name="token", path=PATH, line=0, subjects=(subject_of(name),), role=name, scope="org")
        for name in FIXED_ROLES
    ),
)
