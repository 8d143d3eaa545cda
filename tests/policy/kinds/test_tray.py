"""ActionSet and Branding: layered like policies, compiled into the bundle, explained value by value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from guru_policy.bundle import LANGUAGE, AgentSettings, Bundle, PlacedCheck, PlacedResource
from guru_policy.comparing import device_changes, guard, object_changes
from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.explaining import explain
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place
from guru_policy.model import Carried
from tests.policy.writing import device, fleet, group, policy, written

LOGO = hashlib.sha256(b"logo").hexdigest()
MENU = written("ActionSet", "menu", """
categories: {fix: {label: Repair, order: 5}}
actions:
  about: {type: About, label: About, order: 9}
  print: {type: RestartService, label: Restart printing, service: cups, category: fix, confirm: Really?}
  page: {type: OpenUrl, label: Our page, url: "https://msp.example/?d={device}"}
""")
LOOKS = written("Branding", "ours", """
displayName: MSP Care
icon: files/logo.png
colors: {accent: "#0b6e4f"}
support: {phone: "+34 900 000", email: help@msp.example}
""")
ORG: dict[str, bytes | str | None] = {"org/menu.yaml": MENU, "org/looks.yaml": LOOKS, "files/logo.png": "logo"}


def assignment(found: Fleet, one: Device, digests: Mapping[str, str]) -> tuple[Any, Any]:
    """What the device is to be: its bundle when it compiles, else its faults as text."""
    result = compile_customer(Sources(found, found), "acme", [one], digests)
    assigned = result.assigned[one.id]
    if isinstance(assigned, Effective):
        return Bundle.model_validate_json(result.bundles[assigned.bundle]), assigned
    return [str(fault) for fault in assigned], assigned


def bundle(files: Mapping[str, bytes | str | None], one: Device | None = None) -> Bundle:
    """The bundle of a device under the organisation's menu and these files."""
    found = fleet({**ORG, **files})
    assert found.faults == ()
    made, _ = assignment(found, one or device(), {"files/logo.png": LOGO})
    assert isinstance(made, Bundle), made
    return made


def faults(files: Mapping[str, bytes | str | None], one: Device | None = None) -> list[str]:
    """Why the device does not compile."""
    made, _ = assignment(fleet({**ORG, **files}), one or device(), {"files/logo.png": LOGO})
    assert isinstance(made, list)
    return made


def test_a_menu_stands_in_its_order_with_what_is_set() -> None:
    found = bundle({})

    assert [(one.id, one.type) for one in found.actions] == [
        ("page", "OpenUrl"), ("print", "RestartService"), ("about", "About"),
    ]
    assert found.actions[1].spec == {
        "label": "Restart printing", "category": "fix", "order": 0, "os": [], "confirm": "Really?", "elevate": True,
        "service": "cups", "timeout": 60,
    }
    assert [(one.id, one.label) for one in found.categories] == [("fix", "Repair")]
    assert found.language == LANGUAGE >= 2


def test_a_customer_changes_one_value_takes_one_entry_away_and_inherits_the_rest() -> None:
    found = bundle({"customers/acme/a.yaml": written(
        "ActionSet", "a",
        "actions: {print: {label: Drucker neu starten, confirm: {$remove: true}}, page: {$remove: true}}")})

    assert [one.id for one in found.actions] == ["print", "about"]
    assert found.actions[0].spec["label"] == "Drucker neu starten"
    assert "confirm" not in found.actions[0].spec
    assert found.actions[0].spec["service"] == "cups"


def test_a_replaced_menu_begins_anew() -> None:
    found = bundle({"customers/acme/a.yaml": written(
        "ActionSet", "a", "actions: {$replace: true, info: {type: SystemInfo, label: Info}}")})

    assert [one.id for one in found.actions] == ["info"]


def test_branding_is_inherited_field_by_field_and_its_picture_travels_by_digest() -> None:
    found = bundle({
        "customers/acme/b.yaml": written("Branding", "b", "displayName: Acme IT\nsupport: {phone: '+34 911 000'}"),
        "customers/acme/sites/hq/b.yaml": written("Branding", "b", "about: The practice.\nselector: name=pc1"),
    })

    assert found.branding == {
        "displayName": "Acme IT", "iconDigest": LOGO, "colors": {"accent": "#0b6e4f"},
        "support": {"phone": "+34 911 000", "email": "help@msp.example"}, "about": "The practice.",
    }
    assert found.blobs == (LOGO,)


def test_a_branding_that_only_selects_changes_nothing() -> None:
    assert bundle({"customers/acme/b.yaml": written("Branding", "b", "selector: name=pc1")}) == bundle({})


def test_without_any_action_or_branding_a_bundle_has_none() -> None:
    made, _ = assignment(fleet({}), device(), {})

    assert (made.actions, made.categories, made.branding) == ((), (), {})


def test_an_action_set_reaches_only_what_it_selects() -> None:
    files = {"groups/desk.yaml": group("desk", 5, "op/desk"), "groups/desk/a.yaml": written(
        "ActionSet", "a", "actions: {shot: {type: Screenshot, label: Picture}}")}
    desk = Device("2" * 32, "pc2", Place("acme", "hq"), {}, {"desk": "1"})

    assert "shot" in [one.id for one in bundle(files, desk).actions]
    assert "shot" not in [one.id for one in bundle(files).actions]


def test_what_is_enforced_cannot_be_changed_below() -> None:
    enforced = MENU.replace("spec:\n", "spec:\n  enforced: [actions.about]\n")
    found = faults({"org/menu.yaml": enforced, "customers/acme/a.yaml": written(
        "ActionSet", "a", "actions: {about: {$remove: true}}")})

    assert found == [
        "customers/acme/a.yaml:5:13: actions.about is enforced by org/menu.yaml:5:14 and cannot change here "
        "(take it out here, or have it taken out of `enforced`)"
    ]


def test_two_action_sets_of_one_rank_that_differ_are_a_fault() -> None:
    found = faults({"org/other.yaml": written("ActionSet", "other", "actions: {about: {label: Info}}")})

    assert found == [
        "org/other.yaml:5:28: actions.about.label is `Info` here and `About` in org/menu.yaml:7:33, at the same rank "
        "(give one group a higher priority, or keep the value in one place)"
    ]


def test_a_category_that_is_not_on_the_device_is_a_fault() -> None:
    found = faults({"customers/acme/a.yaml": written("ActionSet", "a", "categories: {fix: {$remove: true}}")})

    assert found == [
        "org/menu.yaml:8:85: actions.print.category: there is no category `fix` on the same device"
    ]


def test_an_agent_cannot_talk_itself_into_changing_what_runs_elevated() -> None:
    found = faults({"customers/acme/a.yaml": written(
        "ActionSet", "a", "selector: fact/os=linux\nactions: {print: {service: sshd}}")}, device(os="linux"))

    assert found == [
        "customers/acme/a.yaml:6:30: actions.print: a label that the agent reports would decide about elevation or a "
        "PIN (select by git/ or op/ labels, customer, site or name: an agent can lie about itself)"
    ]


def test_an_agent_cannot_talk_a_confirmation_away() -> None:
    found = faults({"groups/linux.yaml": group("linux", 1, "fact/os=linux"), "groups/linux/a.yaml": written(
        "ActionSet", "a", "actions: {print: {confirm: {$remove: true}}}")}, device(os="linux"))

    assert len(found) == 1
    assert found[0].startswith("groups/linux/a.yaml:5:21: actions.print: a label that the agent reports would decide")


def test_facts_may_choose_entries_that_run_as_the_user() -> None:
    found = bundle({"customers/acme/a.yaml": written(
        "ActionSet", "a", "selector: fact/os=linux\nactions: {page: {label: Linux page}}")}, device(os="linux"))

    assert found.actions[0].spec["label"] == "Linux page"


def test_explain_names_the_winner_and_the_losers_of_a_label() -> None:
    found = fleet({**ORG, "customers/acme/a.yaml": written("ActionSet", "a", "actions: {page: {label: Mine}}")})
    explained = explain(Sources(found, found), device(), "actions.page.label")

    assert explained.value == "Mine"
    assert [(one.value, one.layer, str(one.origin)) for one in explained.candidates] == [
        ("Mine", "customer acme", "customers/acme/a.yaml:5:27"), ("Our page", "org", "org/menu.yaml:9:34"),
    ]


def test_explain_names_who_decides_about_branding() -> None:
    found = fleet({**ORG, "customers/acme/b.yaml": written("Branding", "b", "displayName: Acme IT")})
    sources = Sources(found, found)

    name = explain(sources, device(), "branding.displayName")
    assert (name.value, [one.layer for one in name.candidates]) == ("Acme IT", ["customer acme", "org"])
    assert explain(sources, device(), "branding.icon").value == "files/logo.png"
    assert explain(sources, device(), "branding.about").absent


def test_a_plan_shows_the_object_and_each_value_of_the_device_that_changes() -> None:
    acme = {"customers/acme/b.yaml": written("Branding", "b", "displayName: Acme IT")}
    old, new = fleet(ORG), fleet({**ORG, **acme})

    assert [(one.action, one.kind, one.scope) for one in object_changes(old, new)] == [
        ("create", "Branding", "customers/acme")]
    assert [(one.path, one.before, one.after) for one in device_changes(bundle({}), bundle(acme))] == [
        ("branding.displayName", "MSP Care", "Acme IT")]


def test_the_last_action_set_is_not_deleted_unasked() -> None:
    refused = guard(fleet(ORG), fleet({**ORG, "org/menu.yaml": None}))

    assert any("the last ActionSet would be deleted" in line for line in refused)


def test_a_script_of_the_repository_travels_by_digest() -> None:
    script = hashlib.sha256(b"echo").hexdigest()
    found = fleet({"files/x.sh": "echo", "org/a.yaml": written(
        "ActionSet", "a", "actions: {x: {type: RunScript, label: X, shell: sh, source: files/x.sh}}")})
    made, assigned = assignment(found, device(), {"files/x.sh": script})

    assert found.faults == ()
    assert set(found.asset_entries()) == {"files/x.sh"}
    assert made.actions[0].spec["digest"] == script
    assert assigned.blobs == (script,)


def test_a_picture_that_is_not_there_is_a_fault_at_its_place() -> None:
    found = fleet({"org/b.yaml": written("Branding", "b", "icon: files/lgo.png"), "files/logo.png": "x"})

    assert [str(fault) for fault in found.faults] == [
        "org/b.yaml:5:9: there is no file `files/lgo.png` in the repository"]


def test_an_agent_of_language_one_reads_a_bundle_with_a_menu() -> None:
    class OldBundle(Carried):
        """The fields of LANGUAGE 1."""

        language: int
        agent: AgentSettings
        resources: tuple[PlacedResource, ...] = ()
        checks: tuple[PlacedCheck, ...] = ()
        blobs: tuple[str, ...] = ()

    old = OldBundle.model_validate_json(bundle({}).to_bytes())

    assert (old.language, old.blobs) == (LANGUAGE, (LOGO,))


def test_a_policy_cannot_set_what_belongs_to_an_action_set() -> None:
    found = fleet({"org/p.yaml": policy("p", "actions: {}")})

    assert [fault.message for fault in found.faults] == ["spec.actions: there is no such field"]
