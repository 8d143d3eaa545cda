"""Patterns over repository paths."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from guru_policy.path_pattern import PathPattern, covers


@pytest.mark.parametrize(("pattern", "path", "covered"), [
    ("**", "customers/acme/a b\n.yaml", True),
    ("customers/acme/**", "customers/acme/sites/hq/site.yaml", True),
    ("customers/acme/**", "customers/acme2/customer.yaml", False),
    ("customers/acme/**", "customers/acme", False),
    ("customers/*/policies/*.yaml", "customers/acme/policies/a.yaml", True),
    ("customers/*/policies/*.yaml", "customers/acme/sites/policies/a.yaml", False),
    ("**/branding.yaml", "branding.yaml", True),
    ("**/branding.yaml", "customers/acme/branding.yaml", True),
    ("**/branding.yaml", "customers/acme/not-branding.yaml", False),
    ("fleet.yaml", "fleet.yaml", True),
    ("fleet.yaml", "fleetXyaml", False),
    ("org/*", "org/a/b", False),
    ("org/a*b*c*d", "org/abbcbcxd", True),
    ("org/a*bc*c", "org/axbcc", True),
    ("org/a*bc*c", "org/axbc", False),
    ("org/*b*b/x", "org/b/bb/x", False),
    ("**/*b*/x", "org/ab/cb/x", True),
])
def test_a_pattern_covers_what_it_says(pattern: str, path: str, covered: bool) -> None:
    assert covers([pattern], path) is covered


@pytest.mark.parametrize("text", ["", "/org/**", "org/../x", "org/a**", "org/[ab]", "**/a/**/b/**/c/**", "a b"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PathPattern).validate_python(text)


def test_a_hostile_path_is_answered() -> None:
    """An exponential match would not end before the test's own deadline."""
    assert not covers(["**/*a*a*a*a*b/**/*a*a*a*b/**/c"], "/".join(["a" * 40] * 60) + "/d")


def test_stars_in_one_name_do_not_multiply() -> None:
    assert not covers(["customers/" + "*a" * 90 + "b"], "customers/" + "a" * 1000)
