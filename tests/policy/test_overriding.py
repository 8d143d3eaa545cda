"""Overrides stand above every policy, say who set them, and never hold up what policies say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from guru_policy.bundle import Bundle, bundle_document
from guru_policy.comparing import device_changes
from guru_policy.compiling import Compiler, Effective, compile_customer
from guru_policy.errors import Conflict, GuruError, InputInvalid, Refused
from guru_policy.explaining import explain
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Override
from guru_policy.override_judging import require_fit, require_sensible
from guru_policy.provenance import Authors
from guru_policy.tracing import decided
from tests.policy.writing import device, fleet, policy

REMOVED: JsonValue = {"$remove": True}
UNTIL = 1_700_000_000_000
LABEL = "override by ada until 2023-11-14T22:13:20Z: archive"
FILES: dict[str, bytes | str | None] = {
    "org/base.yaml": policy("base", """
checks:
  disk: {kind: disk_space, warning: 85%}
  cpu: {kind: cpu}
resources:
  etc: {kind: directory, path: /etc/x}
  motd: {kind: file, path: /etc/x/motd, content: hello, after: [etc]}
"""),
    "devices/acme/hq/pc1.yaml": policy("pc1", "checks:\n  disk: {warning: 90%}"),
}


def override(path: str, value: JsonValue, ident: str = "o1") -> Override:
    return Override(ident, path, value, "ada", "archive", UNTIL)


def overridden(*overrides: Override, one: Device | None = None) -> Device:
    base = one or device()
    return Device(base.id, base.name, base.place, base.facts, base.op_labels, overrides)


def compiler(found: Fleet | None = None) -> Compiler:
    read = found or fleet(FILES)
    assert [fault for fault in read.faults if fault.severity == "error"] == []
    return Compiler(Sources(read, read), "acme", {})


def gets(one: Device, found: Fleet | None = None) -> dict[str, JsonValue]:
    """What the device gets, as people address it."""
    made = compiler(found)
    assignment = made.assign(one)
    assert isinstance(assignment, Effective)
    return bundle_document(Bundle.model_validate_json(made.bundles[assignment.bundle]))


def leaf(document: JsonValue, path: str) -> JsonValue:
    for step in path.split("."):
        assert isinstance(document, dict)
        document = document[step]
    return document


def test_it_is_nearer_than_the_devices_own_policy() -> None:
    assert leaf(gets(device()), "checks.disk.warning") == 90.0
    assert leaf(gets(overridden(override("checks.disk.warning", "80%"))), "checks.disk.warning") == 80.0


def test_a_check_can_be_taken_away_and_another_one_added() -> None:
    got = gets(overridden(override("checks.cpu", REMOVED), override("checks.mem", {"kind": "memory"})))

    assert set(got["checks"]) == {"disk", "mem"}  # type: ignore[arg-type]  # a map by id


def test_mode_reaches_every_resource_and_a_resources_own_override_is_nearer() -> None:
    got = gets(overridden(override("mode", "observe"), override("resources.motd.observe", False)))

    assert leaf(got, "resources.etc.observe") is True
    assert leaf(got, "resources.motd.observe") is False


def test_without_one_nothing_changes_and_with_one_nobody_else_changes() -> None:
    read = fleet(FILES)
    alone = compile_customer(Sources(read, read), "acme", [device(), device("pc2", 2)], {})
    other = compile_customer(
        Sources(read, read), "acme", [overridden(override("checks.cpu", REMOVED)), device("pc2", 2)], {})

    assert alone.assigned[device("pc2", 2).id] == other.assigned[device("pc2", 2).id]
    assert alone.assigned[device().id] != other.assigned[device().id]


def test_devices_with_the_same_override_share_a_bundle() -> None:
    read = fleet({**FILES, "devices/acme/hq/pc1.yaml": None})
    same = [overridden(override("checks.cpu", REMOVED, name), one=device(name, number))
            for number, name in enumerate(("pc1", "pc2"), 1)]

    assert len(compile_customer(Sources(read, read), "acme", same, {}).bundles) == 1


def test_who_set_it_until_when_and_why_is_told_wherever_a_value_is_explained() -> None:
    read = fleet(FILES)
    sources, one = Sources(read, read), overridden(override("checks.disk.warning", "80%"))
    told = explain(sources, one, "checks.disk.warning", {})
    was, now = compiler(read).bundle(device()), compiler(read).bundle(one)
    assert was
    assert now
    (change,) = Authors(sources).attributed(one, device_changes(was, now))
    traced = decided(compiler(read).resolve(one).table, ["checks", "disk", "warning"])

    assert [(each.layer, each.value) for each in told.candidates[:2]] == [(LABEL, "80%"), ("device pc1", "90%")]
    assert (change.why, str(traced)) == (LABEL, LABEL)


@pytest.mark.parametrize(("path", "value", "files", "why"), [
    ("checks.disk.warning", "80%", {"org/lock.yaml": policy("lock", "enforced: [checks.disk]")},
     "checks.disk.warning is enforced by org/lock.yaml:5:14"),
    ("mode", "observe", {"org/lock.yaml": policy("lock", "enforced: [resources.motd]")},
     "resources.motd.observe is enforced by org/lock.yaml:5:14"),
    ("resources.etc", REMOVED, {}, "there is no resource `etc` on the same device"),
    ("checks.disk.warning", "180%", {}, "is not between 0% and 100%"),
    ("checks.gone.every", "5m", {}, "checks.gone.kind: is missing"),
])
def test_a_device_goes_without_what_does_not_fit_and_keeps_the_rest(
    path: str, value: JsonValue, files: dict[str, bytes | str | None], why: str
) -> None:
    made = compiler(fleet({**FILES, "devices/acme/hq/pc1.yaml": None, **files}))
    one = overridden(override("agent.heartbeat", "30s"), override(path, value))
    fits = overridden(override("agent.heartbeat", "30s"))

    (unfit,) = made.unfit(one)
    assert unfit.path == path
    assert why in unfit.why
    assert made.assign(one) == made.assign(fits)
    assert isinstance(made.assign(one), Effective)


def test_a_resource_that_is_not_there_on_the_platform_does_not_fit() -> None:
    unit = override("resources.spooler", {"kind": "windows_service", "name": "Spooler"})
    (unfit,) = compiler().unfit(overridden(unit, one=device(os="linux")))

    assert "is not there on linux" in unfit.why


def test_one_that_mends_what_policies_got_wrong_is_kept() -> None:
    broken = fleet({**FILES, "customers/acme/a.yaml": policy("a", "resources:\n  motd: {after: [none]}")})
    made = compiler(broken)

    assert not isinstance(made.assign(device()), Effective)
    assert isinstance(made.assign(overridden(override("resources.motd.after", ["etc"]))), Effective)


@pytest.mark.parametrize(("path", "value", "error", "words"), [
    ("check.disk.warning", "80%", InputInvalid, "did you mean `checks`"),
    ("checks", REMOVED, InputInvalid, "too much"),
    ("actions.x.label", "a", InputInvalid, "no path"),
    ("checks.disk.$mode", "a", InputInvalid, "no path"),
    ("checks..warning", "80%", InputInvalid, "no path"),
    ("checks.disk", "80%", InputInvalid, "must be a map"),
    ("mode", "off", InputInvalid, "observe or enforce"),
    ("checks.dsk.warning", "80%", InputInvalid, "did you mean `disk`"),
    ("checks.disk.warn", "80%", InputInvalid, "did you mean `warning`"),
    ("checks.disk.warning", "much", InputInvalid, "is not a percentage"),
    ("checks.disk.warning", float("nan"), InputInvalid, "not-a-number"),
    ("checks.disk.warning", 1 << 70, InputInvalid, "64 bits"),
    ("checks.none", REMOVED, InputInvalid, "nothing to remove"),
    ("checks.disk", {"$remove": False}, InputInvalid, "can only be true"),
    ("checks.disk", {"$mode": "observe"}, InputInvalid, "no marker"),
    ("resources.motd.content", "x" * 5000, InputInvalid, "commit it instead"),
    ("resources.motd.content", "a\x1b[2J", InputInvalid, "control characters"),
    ("resources.motd.content", f"-----BEGIN RSA {'PRIVATE'} KEY-----", InputInvalid, "a private key"),
    ("resources.motd.content", "\ud800", InputInvalid, "control characters"),
    ("agent.hartbeat", "30s", InputInvalid, "did you mean `heartbeat`"),
    ("checks.cpu", {"kind": "cpuu"}, InputInvalid, "did you mean `cpu`"),
])
def test_what_makes_no_sense_is_refused_with_what_would(
    path: str, value: JsonValue, error: type[GuruError], words: str
) -> None:
    def judge() -> None:
        require_sensible(path, value)
        require_fit(compiler(), device(), override(path, value))

    with pytest.raises(error) as caught:
        judge()
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_what_is_enforced_is_refused_with_the_place() -> None:
    made = compiler(fleet({**FILES, "devices/acme/hq/pc1.yaml": None,
                           "org/lock.yaml": policy("lock", "enforced: [checks.disk.warning]")}))

    with pytest.raises(Refused, match=r"enforced by org/lock\.yaml:5:14"):
        require_fit(made, device(), override("checks.disk.warning", "80%"))
    require_fit(made, device(), override("checks.disk.critical", "99%"))


def test_two_that_overlap_are_refused_and_the_same_path_takes_the_place_of_the_former() -> None:
    one = overridden(override("checks.disk.warning", "80%"))

    with pytest.raises(Conflict, match=r"checks\.disk\.warning is part of checks\.disk"):
        require_fit(compiler(), one, override("checks.disk", REMOVED))
    require_fit(compiler(), one, override("checks.disk.warning", "70%"))
    require_fit(compiler(), one, override("checks.disk.critical", "99%"))


def test_a_device_has_twenty_at_most() -> None:
    many = overridden(*(override(f"checks.c{number:02}", {"kind": "cpu"}) for number in range(20)))

    with pytest.raises(InputInvalid, match="20 overrides"):
        require_fit(compiler(), many, override("checks.mem", {"kind": "memory"}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["80%", "5m", "cpu", "disk_space", "observe"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["kind", "warning", "every", "$remove", "$replace", "content", "after"]), inner, max_size=3),
    max_leaves=4,
)
PATHS = st.sampled_from([
    "mode", "agent.heartbeat", "checks.disk", "checks.disk.warning", "checks.cpu", "checks.new", "resources.etc",
    "resources.motd.content", "resources.motd.after", "resources.motd.observe", "checks.disk.warning.deeper",
])


@settings(max_examples=150)
@given(st.dictionaries(PATHS, VALUES, max_size=3))
def test_whatever_is_overridden_a_device_that_compiles_still_does(values: dict[str, JsonValue]) -> None:
    one = overridden(*(override(path, value) for path, value in sorted(values.items())))
    made = compiler()
    unfit = {each.path for each in made.unfit(one)}

    assert isinstance(made.assign(one), Effective)
    assert made.assign(made.fitting(one)) == made.assign(one)
    assert unfit <= values.keys()
