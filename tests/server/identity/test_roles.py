"""What the fixed roles of tokens may do: a pipeline's token looks and plans, and changes nothing."""

from __future__ import annotations

import pytest

from guru_policy.access.asking import Circumstances, Subject
from guru_policy.access.deciding import EVERYTHING, decide
from guru_policy.kinds.role import VERBS
from guru_server.identity.people import ROLES, Role
from guru_server.rights.asking import LOOKS
from guru_server.rights.holding import Holding
from guru_server.rights.store import NOTHING


def may(role: Role, verb: str) -> bool:
    grants = Holding().grants(NOTHING, frozenset({"user:ada"}), role)
    return decide(Subject(frozenset({"user:ada"})), verb, [EVERYTHING], grants, Circumstances(0)).allowed


def test_a_viewer_looks_and_plans_and_changes_nothing() -> None:
    assert {verb for verb in VERBS if may("viewer", verb)} == LOOKS - {
        "audit.read", "policy.read", "query.run"}


def test_an_operator_works_and_takes_no_device_away_and_manages_nobody() -> None:
    refused = {verb for verb in VERBS if not may("operator", verb)}

    assert refused == {"access.break_glass", "approval.give", "audit.read", "device.revoke", "secret.read",
                       "secret.write", "user.manage", "user.provision"}


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_only_an_admin_may_everything_and_without_a_role_nobody_may_anything(role: Role) -> None:
    allowed = {verb for verb in VERBS if may(role, verb)}

    assert (allowed == set(VERBS)) is (role == "admin")
    assert bool(allowed) is bool(role)
