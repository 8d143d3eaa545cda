"""Windows that block changes travel in bundles: shared by digest, in the device's zone, told by plan and explain."""

from __future__ import annotations

from guru_policy.bundle import Bundle
from guru_policy.comparing import device_changes
from guru_policy.compiling import Compiled, Effective, compile_customer
from guru_policy.explaining import explain
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Place
from guru_policy.loading import ParseCache, load
from guru_policy.provenance import Authors
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE, REVISION, device, fleet, policy, written

CHECK = {"org/p.yaml": policy("base", "checks: {cpu: {kind: cpu}}")}
FREEZE = {"org/freeze.yaml": written(
    "MaintenanceWindow", "freeze",
    "{selector: role=server, cron: 0 2 * * sun, duration: 3h, effects: [block-changes]}")}
QUIET = {"org/quiet.yaml": written("MaintenanceWindow", "quiet", "{cron: 0 2 * * sun, duration: 3h}")}


def server(number: int, site: str = "hq") -> Device:
    return Device(f"{number:032x}", f"s{number}", Place("acme", site), op_labels={"role": "server"})


def compiled(found: Fleet, *devices: Device) -> Compiled:
    assert found.faults == ()
    return compile_customer(Sources(found, found), "acme", devices, {})


def bundle_of(made: Compiled, one: Device) -> Bundle:
    assignment = made.assigned[one.id]
    assert isinstance(assignment, Effective)
    return Bundle.model_validate_json(made.bundles[assignment.bundle])


def test_devices_of_the_same_windows_share_a_bundle_and_others_have_another() -> None:
    plain, one, other = device(), server(2), server(3)
    made = compiled(fleet(CHECK | FREEZE), plain, one, other)

    assert made.assigned[one.id] == made.assigned[other.id] != made.assigned[plain.id]
    assert len(made.bundles) == 2
    assert [window.id for window in bundle_of(made, one).windows] == ["freeze"]
    assert bundle_of(made, plain).windows == ()


def test_a_window_that_only_mutes_changes_no_bundle() -> None:
    assert compiled(fleet(CHECK | QUIET), server(1)).bundles == compiled(fleet(CHECK), server(1)).bundles


def test_the_zone_is_that_of_the_site_else_of_the_customer() -> None:
    files = {
        "customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n"
                                        "spec: {timezone: Europe/Madrid}\n",
        "customers/acme/sites/far/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: far}\n"
                                              "spec: {timezone: Asia/Tokyo}\n",
    }
    made = compiled(fleet(CHECK | FREEZE | files), server(1), server(2, "far"))

    assert [bundle_of(made, one).windows[0].zone for one in (server(1), server(2, "far"))] == [
        "Europe/Madrid", "Asia/Tokyo"]


def test_what_was_compiled_before_is_compiled_anew_when_a_window_or_a_zone_changes() -> None:
    cache, files = ParseCache(), {**BASE, **CHECK, **FREEZE}
    zone = {"customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n"
                                            "spec: {timezone: Asia/Tokyo}\n"}
    longer = {"org/freeze.yaml": FREEZE["org/freeze.yaml"].replace("3h", "4h")}
    made = [compiled(load(MemoryTree(files | more, REVISION), cache), server(1)) for more in ({}, zone, longer, {})]

    windows = [bundle_of(one, server(1)).windows[0] for one in made]

    assert [(one.duration, one.zone) for one in windows] == [
        (10_800, "UTC"), (10_800, "Asia/Tokyo"), (14_400, "UTC"), (10_800, "UTC")]


def test_a_plan_tells_a_window_leaf_by_leaf_with_the_place_that_says_so() -> None:
    before, found = compiled(fleet(CHECK), server(1)), fleet(CHECK | FREEZE)
    changes = device_changes(bundle_of(before, server(1)), bundle_of(compiled(found, server(1)), server(1)))
    told = Authors(Sources(found, found)).attributed(server(1), changes)

    assert [(one.path, one.after, one.why) for one in told] == [
        ("windows.freeze.cron", "0 2 * * sun", "org/freeze.yaml:1"),
        ("windows.freeze.duration", 10_800, "org/freeze.yaml:1"), ("windows.freeze.zone", "UTC", "org/freeze.yaml:1")]


def test_explain_names_the_window_that_blocks_a_device_and_none_for_another() -> None:
    found = fleet(CHECK | FREEZE | QUIET)
    sources = Sources(found, found)
    told = explain(sources, server(1), "windows.freeze.duration")

    assert (told.value, told.absent) == (10_800, False)
    assert [(one.layer, str(one.origin)) for one in told.candidates] == [("org", "org/freeze.yaml:1:1")]
    assert explain(sources, device(), "windows").absent
    assert explain(sources, server(1), "windows.quiet").absent
