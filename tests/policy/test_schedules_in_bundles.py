"""Schedules travel in bundles with the command that each is, in the device's zone, told by plan and explain."""

from __future__ import annotations

import pytest

from guru_policy.bundle import Bundle, PlacedInside
from guru_policy.comparing import device_changes
from guru_policy.compiling import Compiled, Compiler, Effective, compile_customer
from guru_policy.explaining import explain
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Place
from guru_policy.loading import ParseCache, load
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.objects.scopes import ORG
from guru_policy.provenance import Authors
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, REVISION, device, fleet, policy, secret, written

CHECK = {"org/p.yaml": policy("base", "checks: {cpu: {kind: cpu}}")}
TEMPLATE = {"org/clean.yaml": written(
    "CommandTemplate", "clean",
    "{shell: sh, script: 'rm -f /tmp/x', timeout: 60, output: 4096,"
    " params: {days: {type: integer, default: 7}, dry: {type: boolean, default: false}}}")}
NIGHTLY = {"org/nightly.yaml": written(
    "Schedule", "nightly",
    "{selector: role=server, cron: 30 2 * * *, jitter: 10m, missed: once, template: clean, params: {days: 14}}")}
FILES = CHECK | TEMPLATE | NIGHTLY


def server(number: int, site: str = "hq", system: str = "linux") -> Device:
    return Device(
        f"{number:032x}", f"s{number}", Place("acme", site), op_labels={"role": "server"}, facts={"os": system})


def compiled(
    found: Fleet, *devices: Device, digests: dict[str, str] | None = None, opened: dict[Key, Opened] | None = None
) -> Compiled:
    assert found.faults == ()
    return compile_customer(Sources(found, found), "acme", devices, digests or {}, opened)


def bundle_of(made: Compiled, one: Device) -> Bundle:
    assignment = made.assigned[one.id]
    assert isinstance(assignment, Effective), assignment
    return Bundle.model_validate_json(made.bundles[assignment.bundle])


def test_a_schedule_reaches_the_devices_that_match_with_the_command_that_its_template_is() -> None:
    plain, one, other = device(), server(2), server(3)
    made = compiled(fleet(FILES), plain, one, other)
    placed = bundle_of(made, one).schedules

    assert made.assigned[one.id] == made.assigned[other.id] != made.assigned[plain.id]
    assert bundle_of(made, plain).schedules == ()
    assert [(found.id, found.cron, found.zone, found.jitter, found.missed) for found in placed] == [
        ("nightly", "30 2 * * *", "UTC", 600, "once")]
    assert (placed[0].script, placed[0].timeout, placed[0].output) == ("rm -f /tmp/x", 60, 4096)
    assert placed[0].env == {"PARAM_DAYS": "14", "PARAM_DRY": "false"}


def test_without_schedules_bundles_are_as_they_were() -> None:
    assert compiled(fleet(CHECK | TEMPLATE), server(1)).bundles == compiled(fleet(CHECK), server(1)).bundles


def test_the_zone_is_that_of_the_site_and_a_schedule_nearer_by_hides_one_of_its_name() -> None:
    files = {
        "customers/acme/sites/far/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: far}\n"
                                              "spec: {timezone: Asia/Tokyo}\n",
        "customers/acme/nightly.yaml": written("Schedule", "nightly", "{cron: 0 4 * * *, template: clean}"),
    }
    found = bundle_of(compiled(fleet(FILES | files), server(1, "far")), server(1, "far")).schedules

    assert [(one.cron, one.zone) for one in found] == [("0 4 * * *", "Asia/Tokyo")]


def test_a_template_for_another_system_is_passed_over() -> None:
    files = FILES | {"org/clean.yaml": written("CommandTemplate", "clean", "{shell: sh, script: x, os: [linux], params:"
                                               " {days: {type: integer, default: 1}}}")}
    made = compiled(fleet(files), server(1), server(2, system="macos"))

    assert len(bundle_of(made, server(1)).schedules) == 1
    assert bundle_of(made, server(2, system="macos")).schedules == ()


def test_a_script_in_a_file_is_carried_by_its_digest() -> None:
    files = CHECK | {
        "org/files/clean.sh": "rm x\n", "org/clean.yaml": written(
            "CommandTemplate", "clean", "{shell: sh, source: org/files/clean.sh}"),
        "org/nightly.yaml": written("Schedule", "nightly", "{cron: 30 2 * * *, template: clean}"),
    }
    made = compiled(fleet(files), server(1), digests={"org/files/clean.sh": "a" * 64})
    found, assignment = bundle_of(made, server(1)), made.assigned[server(1).id]

    assert (found.schedules[0].digest, found.schedules[0].script, found.blobs) == ("a" * 64, None, ("a" * 64,))
    assert isinstance(assignment, Effective)
    assert assignment.blobs == ("a" * 64,)


def test_a_parameter_that_is_a_secret_is_named_and_comes_sealed_with_the_bundle() -> None:
    files = CHECK | {
        **secret("token", "org"),
        "org/clean.yaml": written(
            "CommandTemplate", "clean", "{shell: sh, script: x, params: {key: {type: secret}}}"),
        "org/nightly.yaml": written(
            "Schedule", "nightly", "{cron: 30 2 * * *, template: clean, params: {key: token}}"),
    }
    key = Key("Secret", ORG, "token")
    made = compiled(fleet(files), server(1), opened={key: Opened("f" * 64)})
    broken = compiled(fleet(files), server(1), opened={key: Opened(trouble="it does not open")})
    found, assignment = bundle_of(made, server(1)), made.assigned[server(1).id]

    assert (found.schedules[0].env, found.schedules[0].secrets) == ({}, {"PARAM_KEY": "token"})
    assert found.secrets == {"token": "f" * 64}
    assert isinstance(assignment, Effective)
    assert [one.name for one in assignment.secrets] == ["token"]
    assert "does not open" in str(broken.assigned[server(1).id])


def test_a_script_for_a_sandbox_stands_where_an_agent_that_knows_of_none_does_not_look() -> None:
    files = {
        "org/clean.yaml": written("CommandTemplate", "clean", "{shell: sh, script: x, unless: y, sandbox: isolated}"),
        "org/nightly.yaml": written("Schedule", "nightly", "{cron: 30 2 * * *, template: clean}"),
    }
    [placed] = bundle_of(compiled(fleet(files), server(1)), server(1)).schedules

    assert (placed.script, placed.digest, placed.unless) == (None, None, None)
    assert placed.inside == PlacedInside(sandbox="isolated", script="x", unless="y")


@pytest.mark.parametrize(("more", "message"), [("approval: {role: boss}", "need an approval")])
def test_a_template_that_cannot_run_alone_is_refused_in_a_schedule(more: str, message: str) -> None:
    files = {
        "org/boss.yaml": written("Role", "boss", "{rules: {all: {allow: [device.read]}}}"),
        "org/clean.yaml": written("CommandTemplate", "clean", f"{{shell: sh, script: x, {more}}}"),
        "org/nightly.yaml": written("Schedule", "nightly", "{cron: 30 2 * * *, template: clean}"),
    }
    found = fleet(files)

    assert [fault.origin.path for fault in found.faults if message in fault.message] == ["org/nightly.yaml"]


def test_what_was_compiled_before_is_compiled_anew_when_a_template_changes() -> None:
    cache, files = ParseCache(), {**BASE, **FILES}
    other = {"org/clean.yaml": TEMPLATE["org/clean.yaml"].replace("/tmp/x", "/tmp/y")}
    made = [compiled(load(MemoryTree(files | more, REVISION), cache), server(1)) for more in ({}, other)]

    assert [bundle_of(one, server(1)).schedules[0].script for one in made] == ["rm -f /tmp/x", "rm -f /tmp/y"]


def test_a_plan_and_explain_tell_a_schedule_with_the_place_that_says_so() -> None:
    before, found = compiled(fleet(CHECK), server(1)), fleet(FILES)
    sources = Sources(found, found)
    changes = device_changes(bundle_of(before, server(1)), bundle_of(compiled(found, server(1)), server(1)))
    told = {one.path: one.why for one in Authors(sources).attributed(server(1), changes)}
    explained = explain(sources, server(1), "schedules.nightly.cron", {})

    assert told["schedules.nightly.cron"] == "org/nightly.yaml:1"
    assert (explained.value, explained.candidates[0].origin.path) == ("30 2 * * *", "org/nightly.yaml")
    assert ("schedules", "nightly") in Compiler(sources, "acme", {}).standing(server(1))
