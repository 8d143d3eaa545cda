"""Which files a rule is for: server and device judge by the same patterns, deny wins, and folders count as what is in
them."""

from __future__ import annotations

import json

import pytest

from guru_policy.access.asking import Circumstances, Subject, Target
from guru_policy.access.deciding import decide, files_of
from guru_policy.access.grants import grants_of
from guru_policy.access.rulebook import HeldBinding, HeldRole, HeldRule, Rulebook
from guru_policy.errors import InputInvalid
from guru_policy.file_rules import FileRules, matches, plain_path
from guru_policy.kinds.role import Role
from guru_policy.objects.scopes import Scope

ADA = Subject(frozenset({"user:ada"}))
WEB = Target(Scope("site", "acme", "hq"), "web1", "1" * 32, {"op/role": "web"})


def book(*rules: HeldRule) -> Rulebook:
    held = HeldRole(name="r", path="org/r.yaml", rules=rules)
    bound = HeldBinding(name="b", path="org/b.yaml", line=1, subjects=("user:ada",), role="r", scope="org")
    return Rulebook(revision="f" * 40, roles=(held,), bindings=(bound,))


def rule(name: str, *paths: str, effect: str = "allow", **more: object) -> HeldRule:
    return HeldRule(id=name, effect=effect, verbs=("file.get",), line=1, paths=paths, **more)   # type: ignore[arg-type]


LOGS, KEYS = rule("logs", "/var/log/**"), rule("keys", "/var/log/private/**", effect="deny")


@pytest.mark.parametrize(("path", "allowed"), [
    ("/var/log/syslog", True), ("/var/log/", True), ("/var/log/private/key", False), ("/var/log/private/", False),
    ("/etc/hosts", False), ("/var/logs", False), (None, False),
])
def test_a_rule_with_paths_is_for_these_and_deny_wins(path: str | None, allowed: bool) -> None:
    grants = grants_of(book(LOGS, KEYS), ADA.names)

    assert decide(ADA, "file.get", [WEB], grants, Circumstances(0, path=path)).allowed is allowed


def test_the_device_gets_the_rules_that_reach_it_and_whose_conditions_hold() -> None:
    rules = (LOGS, KEYS, rule("mail", "/var/mail/**", selector="op/role=mail"), rule("late", "/srv/**", ticket=True))
    grants = grants_of(book(*rules), ADA.names)

    assert files_of(ADA, "file.get", WEB, grants, Circumstances(0)) == FileRules(
        ("/var/log/**",), ("/var/log/private/**",))
    assert files_of(ADA, "file.get", WEB, grants_of(book(rule("all")), ADA.names), Circumstances(0)) == FileRules(
        ("/**",), ())


@pytest.mark.parametrize("path", ["etc/hosts", "/etc/../x", "/a\0b", "", "/" + "x" * 5000])
def test_what_is_no_path_of_a_device_is_refused(path: str) -> None:
    with pytest.raises(InputInvalid):
        plain_path(path)


def test_a_path_has_one_plain_form() -> None:
    assert [plain_path(one) for one in ("//a/./b", "/a/b/", "/", "//", "/.")] == ["/a/b", "/a/b/", "/", "/", "/"]


def test_a_pattern_reaches_as_far_as_it_says() -> None:
    assert matches(["/etc/*.conf"], "/etc/a.conf")
    assert not matches(["/etc/*.conf"], "/etc/a/b.conf")
    assert matches(["/srv/*/log/**"], "/srv/x/log/y/z")
    assert matches(["/var/log"], "/var/log/")
    assert not matches(["/var/log"], "/var/log/x")
    assert not matches([], "/")


@pytest.mark.parametrize("spec", [
    {"verbs": ["file.get"], "paths": ["var/log"]}, {"verbs": ["file.get"], "paths": ["/a/../b"]},
    {"verbs": ["file.get", "device.read"], "paths": ["/a"]}, {"verbs": ["*"], "paths": ["/a"]},
])
def test_a_role_says_paths_from_the_root_and_for_files_alone(spec: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"pattern|files alone"):
        Role.model_validate_json(json.dumps({"rules": {"a": spec}}))
