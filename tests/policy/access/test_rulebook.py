"""What of a repository becomes rights, and who gains and loses by a change of it."""

from __future__ import annotations

from guru_policy.access.builtin import BUILT_IN, FIXED_ROLES
from guru_policy.access.comparing import can_apply, rights_changes
from guru_policy.access.rulebook import Rulebook, rulebook_of
from tests.policy.writing import fleet, group, written

ROLE = written(
    "Role", "helpdesk", "rules:\n  look: {verbs: [device.read]}\n  run: {verbs: [command.run], classes: [a]}"
)
BINDING = written("Binding", "ada", "subjects: [user:ada]\nrole: helpdesk\nscope: customers/acme")
EVIL = written("Role", "evil", "rules: {all: {verbs: ['*']}}")


def test_a_rulebook_keeps_where_each_rule_stands() -> None:
    book = rulebook_of(fleet({"org/access.yaml": ROLE + "---\n" + BINDING}))

    assert [(rule.id, rule.line) for rule in book.roles[0].rules] == [("look", 6), ("run", 7)]
    assert (book.bindings[0].path, book.bindings[0].line) == ("org/access.yaml", 9)
    assert Rulebook.model_validate_json(book.model_dump_json()) == book


def test_a_customers_folder_grants_nothing_and_its_attempt_is_its_own_fault() -> None:
    tried = fleet({
        "org/access.yaml": ROLE + "---\n" + BINDING,
        "customers/acme/access.yaml": EVIL + "---\n" + written(
            "Binding", "evil", "subjects: [user:eve]\nrole: evil\nscope: org"),
        "groups/g.yaml": group("g", 1), "groups/g/access.yaml": EVIL,
        "devices/acme/hq/access.yaml": EVIL,
        "customers/acme/sites/hq/access.yaml": EVIL,
    })
    book = rulebook_of(tried)

    assert [role.name for role in book.roles] == ["helpdesk"]
    assert [binding.name for binding in book.bindings] == ["ada"]
    assert {fault.origin.path for fault in tried.faults_of("acme")} >= {"customers/acme/access.yaml"}


def test_a_broken_role_is_the_organisations_fault_and_refuses_the_commit() -> None:
    broken = fleet({"org/access.yaml": ROLE.replace("device.read", "device.raed")})

    assert [fault.origin.path for fault in broken.faults_of(None)] == ["org/access.yaml"]


def test_a_deny_with_conditions_is_refused_with_a_sentence() -> None:
    text = written("Role", "odd", "rules: {no: {effect: deny, verbs: ['*'], conditions: {ticket: true}}}")
    faults = fleet({"org/access.yaml": text}).faults_of(None)

    assert [fault.message for fault in faults] == [
        "spec.rules.no: a rule that denies has no conditions: it denies whatever else holds"]


def test_labels_that_decide_are_found_through_groups_too() -> None:
    role = written("Role", "r", "rules:\n  a: {verbs: [shell.open], selector: 'group=servers,op/vip,git/x=1'}")
    book = rulebook_of(fleet({"org/r.yaml": role, "groups/s.yaml": group("servers", 1, "op/role=server")}))

    assert book.deciding_labels() == {"vip", "role"}


def test_who_gains_and_who_loses_is_told_by_subject_and_scope() -> None:
    old = rulebook_of(fleet({"org/access.yaml": ROLE + "---\n" + BINDING}))
    new = rulebook_of(fleet({"org/access.yaml": (
        ROLE.replace("look: {", "look: {selector: op/role=pc, ").replace("run: {", "run: {effect: deny, ")
        + "---\n" + BINDING.replace("user:ada", "user:ada, key:ci")
    )}))
    found = {one.subject: one for one in rights_changes(old, new)}

    assert found["user:ada"].gains == ("device.read on op/role=pc",)
    assert found["user:ada"].loses == ("denied command.run of class a", "command.run of class a", "device.read")
    assert found["key:ci"].loses == ("denied command.run of class a",)
    assert rights_changes(old, old) == ()


def test_only_a_binding_of_the_whole_organisation_can_apply_policy() -> None:
    role = written("Role", "lead", "rules: {go: {verbs: ['policy.*']}}")
    bound = {
        scope: rulebook_of(fleet({"org/a.yaml": role + "---\n" + written(
            "Binding", "ada", f"subjects: [user:ada]\nrole: lead\nscope: {scope}")}))
        for scope in ("org", "customers/acme")
    }

    assert can_apply(bound["org"])
    assert not can_apply(bound["customers/acme"])
    assert can_apply(BUILT_IN)
    assert [role.name for role in BUILT_IN.roles] == list(FIXED_ROLES)
