"""Who has a role, and exactly where. It looks at no label: what an agent says can give nobody a right."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.kinds.base import Spec
from guru_policy.model import wrong
from guru_policy.objects.scopes import ORG, Misplaced, Scope, scope_of
from guru_policy.quantities import ItemId, shape, shown


def read_scope(text: str) -> Scope:
    """`org`, `customers/acme` or `customers/acme/sites/hq`."""
    try:
        scope = scope_of(f"{text}/x")
    except Misplaced:
        scope = None
    if scope is None or scope.level not in ("org", "customer", "site") or str(scope) != text:
        raise wrong(f"{shown(text)} is not a scope", hint="write org, customers/<customer> or "
                    "customers/<customer>/sites/<site>")
    return scope


def _scope(text: str) -> str:
    return str(read_scope(text))


ScopeText = Annotated[str, AfterValidator(_scope), StringConstraints(max_length=200), shape("scope")]
Subject = Annotated[
    str, StringConstraints(pattern=r"^(user|group|key|service|client):[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"),
    shape("subject"),
]
"""`user:ada`, `group:helpdesk` (people), `key:ci`, `service:ci` (a ServiceAccount), or `client:wiki` (OAuth)."""


class Binding(Spec):
    """Gives `role` to `subjects` in `scope` and below it."""

    subjects: tuple[Subject, ...] = Field(
        min_length=1, max_length=1000,
        description="`user:<name>`, `group:<name>`, `key:<name>`, `service:<name>` or `client:<name>`")
    role: ItemId = Field(description="the Role")
    scope: ScopeText = Field(description="`org`, `customers/<c>` or `customers/<c>/sites/<s>`; it and all below it")

    @property
    def place(self) -> Scope:
        """The scope, read."""
        return ORG if self.scope == "org" else read_scope(self.scope)
