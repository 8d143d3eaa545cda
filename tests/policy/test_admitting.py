"""What Git asks of devices that want to join: rules, and how site, customer and fleet add up."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guru_policy.admitting import Admission, AdmitRule, Applicant, Enrolment, admission

HERE = Applicant("203.0.113.7", "linux", sealed=False)
OFFICE = AdmitRule(addresses=("203.0.113.0/24",))
ROW = tuple[tuple[str, Enrolment | None], ...]


@pytest.mark.parametrize(("rule", "one", "fits"), [
    (OFFICE, HERE, True),
    (OFFICE, HERE._replace(address="::ffff:203.0.113.7"), True),
    (OFFICE, HERE._replace(address="203.0.114.7"), False),
    (OFFICE, HERE._replace(address=""), False),
    (AdmitRule(addresses=("2001:db8::/32",)), HERE._replace(address="2001:db8::7%eth0"), True),
    (AdmitRule(os=("windows", "linux")), HERE, True),
    (AdmitRule(os=("windows",)), HERE, False),
    (AdmitRule(sealed_key=True), HERE, False),
    (AdmitRule(sealed_key=True), HERE._replace(sealed=True), True),
    (AdmitRule(addresses=("203.0.113.7",), sealed_key=True), HERE, False),
])
def test_a_rule_lets_in_who_fits_everything_that_it_names(rule: AdmitRule, one: Applicant, fits: bool) -> None:
    assert rule.fits(one) is fits


def test_a_rule_that_names_nothing_is_none() -> None:
    with pytest.raises(ValidationError, match="would let in everybody"):
        AdmitRule()
    with pytest.raises(ValidationError, match="no network"):
        AdmitRule(addresses=("203.0.113.0/33",))


@pytest.mark.parametrize(("said", "asked"), [
    ((), Admission()),
    ((("site", None), ("fleet", Enrolment())), Admission()),
    ((("site", Enrolment()), ("fleet", Enrolment(wait="everybody", sealed_key=True))), Admission(True, True)),
    ((("site", Enrolment(admit=(AdmitRule(os=("macos",)),))), ("fleet", Enrolment(admit=(OFFICE,)))), Admission()),
    ((("site", Enrolment()), ("fleet", Enrolment(admit=(AdmitRule(os=("macos",)), OFFICE)))),
     Admission(admitted_by="fleet: enrolment.admit[1]")),
])
def test_what_any_of_them_asks_for_is_asked_and_the_nearest_rules_count(said: ROW, asked: Admission) -> None:
    assert admission(said, HERE) == asked
