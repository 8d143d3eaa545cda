"""Timelines of objects of kind Test: escalations, acknowledgements and maintenance windows on the simulated clock."""

from __future__ import annotations

import pytest

from guru_policy.loading import load
from guru_policy.testing.covering import coverage
from guru_policy.testing.outcome import Outcome
from guru_policy.testing.running import Runner
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, fleet, group, policy, written

DEVICE = "device: {customer: acme, site: hq, name: pc1, facts: {os: linux}, labels: {tier: gold}}"
FILES = {
    "org/base.yaml": policy("base", "checks: {disk: {kind: disk_space}}"),
    "org/noc.yaml": written("NotificationChannel", "noc", "{type: email, to: [noc@msp.example]}"),
    "org/wall.yaml": written("NotificationChannel", "wall",
                             "{type: webhook, url: 'https://wall.example/x', sendResolved: false}"),
    "org/rule.yaml": written("AlertRule", "disk-full", "{check: disk, severity: critical, notify: [noc]}"),
    "org/shift.yaml": written(
        "EscalationPolicy", "shift",
        "selector: tier=gold\n"
        "severities: [critical]\n"
        "steps:\n"
        "  desk: {after: 0s, notify: [noc, wall]}\n"
        "  on-call: {after: 15m, people: [oncall@msp.example]}\n"
        "  owner: {after: 1h, people: [owner@msp.example], unlessAcknowledged: false}\n"
        "repeat: {every: 30m, times: 1}"),
    "org/night.yaml": written("MaintenanceWindow", "night", "{cron: 0 2 * * *, duration: 3h}"),
    "org/freeze.yaml": written(
        "MaintenanceWindow", "freeze",
        "{start: '2026-01-06T00:00', duration: 1d, timezone: Europe/Madrid, effects: [block-changes]}"),
}
STORY = "series: {disk: ok*5 critical*600}\n"           # begins at 09:00 UTC, breaks at 09:05


def outcome(spec: str, files: dict[str, str] | None = None) -> Outcome:
    found = fleet({**FILES, **(files or {}), "org/t.yaml": written("Test", "t", f"{DEVICE}\n{spec}")})
    assert found.faults == ()
    (one,) = Runner(found, {}).run().outcomes
    return one


def failures(spec: str, files: dict[str, str] | None = None) -> list[str]:
    return [f"{one.origin}: {one.message}" for one in outcome(spec, files).failures]


TOLD = f"""{STORY}timeline:
  - {{at: 5m, alert: disk-full, told: [noc, wall]}}
  - {{at: 20m, alert: disk-full, told: [oncall@msp.example]}}
  - {{at: 65m, alert: disk-full, told: [owner@msp.example]}}
  - {{at: 95m, alert: disk-full, told: [noc, wall]}}
  - {{at: 110m, alert: disk-full, told: [oncall@msp.example]}}
  - {{at: 155m, alert: disk-full, told: [owner@msp.example]}}
  - {{at: 156m, until: 10h, alert: disk-full, notified: [noc, wall, oncall@msp.example, owner@msp.example]}}
"""
ACKED = f"""{STORY}acknowledge: [{{at: 10m, alert: disk-full, for: 2h}}]
timeline:
  - {{at: 10m, until: 130m, alert: disk-full, acknowledged: true}}
  - {{at: 65m, alert: disk-full, told: [owner@msp.example]}}
  - {{at: 66m, until: 140m, alert: disk-full, notified: [noc, wall, owner@msp.example]}}
  - {{at: 130m, alert: disk-full, acknowledged: false, told: []}}
  - {{at: 140m, alert: disk-full, told: [oncall@msp.example]}}
"""
NIGHT = f"""start: 2026-03-29T00:30
timezone: Europe/Madrid
{STORY.replace('ok*5', 'ok*95')}timeline:
  - {{at: 95m, until: 270m, alert: disk-full, state: firing, muted: night, notified: []}}
  - {{at: 270m, alert: disk-full, muted: [], told: [noc, wall]}}
  - {{at: 285m, alert: disk-full, told: [oncall@msp.example]}}
"""
OVER = """start: 2026-01-05T01:50
series: {disk: critical*30 ok*300}
timeline:
  - {at: 0s, alert: disk-full, told: [noc, wall]}
  - {at: 30m, until: 190m, alert: disk-full, state: resolved, notified: [noc, wall]}
  - {at: 190m, alert: disk-full, told: [noc]}
"""
MADRID = {"customers/acme/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n"
                                              "spec: {timezone: Europe/Madrid}\n"}


def test_steps_and_rounds_are_told_at_their_times() -> None:
    assert failures(TOLD) == []


def test_what_is_taken_up_waits_and_goes_on() -> None:
    assert failures(ACKED) == []


def test_a_window_mutes_by_the_clocks_of_the_site_on_the_day_they_change() -> None:
    """There is no 02:00 in Madrid that day: the window opens at 03:00, which is 90 minutes after 00:30, for 3 hours."""
    assert failures(NIGHT, MADRID) == []


def test_an_end_in_a_window_is_told_when_it_closes_to_those_who_want_to_hear_it() -> None:
    assert failures(OVER) == []


def test_what_was_over_before_the_window_closed_is_told_to_nobody() -> None:
    short = "start: 2026-01-05T02:10\nseries: {disk: critical*30 ok*300}\n"

    assert failures(f"{short}timeline: [{{at: 0s, until: 5h, alert: disk-full, notified: []}},"
                    " {at: 170m, alert: disk-full, state: resolved, told: []}]") == []


def test_a_device_changes_nothing_while_a_window_blocks_it() -> None:
    claims = "[{at: 13h59m59s, blocked: []}, {at: 14h, until: 38h, blocked: freeze}, {at: 38h, blocked: []}]"

    assert failures(f"timeline: {claims}") == []
    assert failures("expect: {windows.freeze.zone: Europe/Madrid, windows.freeze.duration: 86400}\nabsent: [windows.x]"
                    ) == []


@pytest.mark.parametrize(("spec", "failure"), [
    (f"{STORY}timeline: [{{at: 20m, alert: disk-full, told: [noc]}}]",
     "org/t.yaml:7:42: at 20m: disk-full: expected told `noc`, got told `oncall@msp.example`, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    (f"{STORY}timeline: [{{at: 19m, alert: disk-full, told: [oncall@msp.example]}}]",
     "org/t.yaml:7:42: at 19m: disk-full: expected told `oncall@msp.example`, got nobody told, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    (f"{STORY}timeline: [{{at: 20m, alert: disk-full, muted: night}}]",
     "org/t.yaml:7:49: at 20m: disk-full: expected muted by `night`, got nothing that mutes it, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    (f"{STORY}timeline: [{{at: 10m, until: 1h, alert: disk-full, acknowledged: false}}]\n"
     "acknowledge: [{at: 30m, alert: disk-full}]",
     "org/t.yaml:7:67: at 30m: disk-full: expected acknowledged by nobody, got acknowledged, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    (f"{STORY}acknowledge: [{{at: 1m, alert: disk-full}}]\ntimeline: [{{at: 1h, alert: disk-full, state: firing}}]",
     "org/t.yaml:7:17: acknowledge at 1m: disk-full: expected an alert that fires, got inactive, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    ("timeline: [{at: 1h, until: 15h, blocked: []}]",
     "org/t.yaml:6:35: at 14h: expected changes that nothing blocks, got changes blocked by `freeze`"),
])
def test_a_claim_that_does_not_hold_says_from_when_on_and_what_is_so(spec: str, failure: str) -> None:
    assert failures(spec) == [failure]


def test_only_an_alert_that_fires_is_muted() -> None:
    spec = "start: 2026-01-05T02:10\nseries: {disk: ok*60}\ntimeline: [{at: 20m, alert: disk-full, muted: night}]"
    (failure,) = outcome(spec).failures

    assert failure.hint == "only an alert that fires is muted, and this one is inactive"


def test_a_nearer_window_hides_one_of_its_name_and_a_selector_chooses_devices() -> None:
    mine = written("MaintenanceWindow", "night", "{selector: tier=silver, cron: 0 2 * * *, duration: 3h}")
    spec = "start: 2026-01-05T02:10\nseries: {disk: critical*60}\ntimeline: [{at: 20m, alert: disk-full, muted: []}]"

    assert failures(spec, {"customers/acme/night.yaml": mine}) == []
    assert failures(spec, {"groups/g.yaml": group("gold", 1, "tier=gold"), "groups/gold/night.yaml": mine}) == []
    assert failures(spec, {"groups/g.yaml": group("gold", 1, "tier=silver"), "groups/gold/night.yaml": mine}) != []


def test_a_customers_own_escalation_hides_the_organisations() -> None:
    own = {"customers/acme/shift.yaml": written(
        "EscalationPolicy", "shift", "{severities: [critical], steps: {a: {after: 1m, people: [me@acme.example]}}}")}

    assert failures(f"{STORY}timeline: [{{at: 9h, alert: disk-full, notified: [noc, me@acme.example]}}]", own) == []


@pytest.mark.parametrize(("spec", "message"), [
    ("timeline: [{at: 1m, state: firing}]", "it is not said of which alert this is claimed"),
    ("timeline: [{at: 1m, alert: disk-full, blocked: night}]", "`blocked` is about the device"),
    ("timeline: [{at: 2m, until: 1m, blocked: night}]", "`until` is not after `at`"),
    (f"{STORY}timeline: [{{at: 1m, until: 2m, alert: disk-full, told: []}}]", "`told` is about one moment"),
    (f"{STORY}timeline: [{{at: 1m, alert: disk-full, told: [no such@x]}}]", "neither a channel's name nor an e-mail"),
    (f"{STORY}timeline: [{{at: 1m, alert: disk-full, told: [desc]}}]", "there is no NotificationChannel `desc`"),
    (f"{STORY}timeline: [{{at: 1m, alert: disk-full, muted: [nigth]}}]", "there is no MaintenanceWindow `nigth`"),
    (f"{STORY}acknowledge: [{{at: 1m, alert: disk-fool}}]\ntimeline: [{{at: 1m, alert: disk-full, told: []}}]",
     "there is no AlertRule `disk-fool`"),
    (f"{STORY}acknowledge: [{{at: 1m, alert: disk-full}}]\nabsent: [checks.x]", "and nothing is claimed of it"),
    ("timeline: [{at: 1m, alert: disk-full, told: []}]", "a timeline of alerts needs `series`"),
])
def test_a_timeline_that_makes_no_sense_is_a_fault_with_its_place(spec: str, message: str) -> None:
    files = {**BASE, **FILES, "org/t.yaml": written("Test", "t", f"{DEVICE}\n{spec}")}
    faults = load(MemoryTree(files)).faults

    assert [fault.origin.path for fault in faults] == ["org/t.yaml"]
    assert message in faults[0].message


def test_more_than_anybody_would_read_is_refused_and_not_played() -> None:
    busy = {"org/night.yaml": written("MaintenanceWindow", "night", "{cron: '*/2 * * * *', duration: 1m}")}
    spec = "series: {disk: critical*60000}\nevery: 5m\ntimeline: [{at: 200d, alert: disk-full, state: firing}]"
    (failure,) = outcome(spec, busy).failures

    assert failure.got == "too much happens to follow it"


def test_coverage_counts_steps_channels_and_windows_by_what_claims_name() -> None:
    claims = (f"{STORY}timeline: [{{at: 20m, alert: disk-full, told: [oncall@msp.example]}},"
              " {at: 21m, alert: disk-full, notified: [noc, wall, oncall@msp.example]}, {at: 14h, blocked: freeze}]")
    found = fleet({**FILES, "org/t.yaml": written("Test", "t", f"{DEVICE}\n{claims}")})
    rows = {row.name: row for row in coverage(found, Runner(found, {}).run().exercised).rows}

    assert (rows["shift"].covered, rows["shift"].total, rows["shift"].missing) == (2, 3, ("steps.owner",))
    assert {name: rows[name].covered for name in ("noc", "wall", "freeze", "night")} == {
        "noc": 1, "wall": 1, "freeze": 1, "night": 0}
    assert rows["night"].missing == ("no claim has it muting or blocking",)
