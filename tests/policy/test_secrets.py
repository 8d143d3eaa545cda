"""Which secrets a device needs, by whose object, and what of their values enters a bundle."""

from __future__ import annotations

import pytest

from guru_policy.bundle import Bundle
from guru_policy.comparing import device_changes
from guru_policy.compiling import Compiled, Effective, Sources, compile_customer
from guru_policy.fleet import Fleet
from guru_policy.needing import MOST, UNOPENED, Opened
from guru_policy.objects.object import Key
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.provenance import Authors
from guru_policy.resources.vpn_profile import VpnProfile
from guru_policy.secret import named_secrets, secrets_in
from tests.policy.writing import device, fleet, group, policy, secret, written

ACME = Scope("customer", "acme")
FILE = "resources:\n  pw: {kind: file, path: /etc/pw, contentFrom: {secretRef: pw}}"
OTHER = "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: birch}\n"


def compiled(found: Fleet, opened: dict[Key, Opened] | None, *facts: str) -> Compiled:
    assert [str(fault) for fault in found.faults if fault.severity == "error"] == []
    return compile_customer(Sources(found, found), "acme", [device(os="linux")], {}, opened)


def bundle(result: Compiled) -> Bundle:
    return Bundle.model_validate_json(next(iter(result.bundles.values())))


def key(name: str, scope: Scope = ACME) -> Key:
    return Key("Secret", scope, name)


def test_a_bundle_names_what_it_needs_with_the_fingerprint_of_the_value() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE), **secret("pw", "customers/acme"), **secret("x", "customers/acme")})

    result = compiled(found, {key("pw"): Opened("f1"), key("x"): Opened("f2")})

    assert bundle(result).secrets == {"pw": "f1"}


def test_the_customers_own_secret_hides_the_organisations_and_anothers_is_out_of_reach() -> None:
    shared = {"org/p.yaml": policy("p", FILE), **secret("pw", "org"), "customers/birch/customer.yaml": OTHER}
    own = fleet({**shared, **secret("pw", "customers/acme")})
    others = fleet({**shared, **secret("pw", "customers/birch")})
    birch = key("pw", Scope("customer", "birch"))
    opened = {key("pw"): Opened("own"), key("pw", ORG): Opened("org"), birch: Opened("b")}

    assert bundle(compiled(own, opened)).secrets == {"pw": "own"}
    assert bundle(compiled(others, opened)).secrets == {"pw": "org"}


def test_another_value_makes_another_bundle_and_an_unused_one_does_not() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE), **secret("pw", "org"), **secret("x", "org")})

    def digests(pw: str, x: str) -> set[str]:
        return set(compiled(found, {key("pw", ORG): Opened(pw), key("x", ORG): Opened(x)}).bundles)

    assert digests("1", "1") == digests("1", "2")
    assert digests("1", "1") != digests("2", "1")


def test_what_does_not_open_is_a_fault_at_its_object_only_where_it_is_needed() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE), **secret("pw", "customers/acme"), **secret("x", "customers/acme")})
    shut = Opened(trouble="its recipients lack this server", hint="add it", field="recipients")

    result = compiled(found, {key("pw"): shut, key("x"): shut})

    assigned = next(iter(result.assigned.values()))
    assert not isinstance(assigned, Effective)
    assert [str(fault) for fault in assigned] == [
        "customers/acme/pw.yaml:6:3: Secret pw: its recipients lack this server (add it)"]


def test_where_nobody_can_look_a_secret_is_unopened_and_no_fault() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE), **secret("pw", "org")})

    assert bundle(compiled(found, None)).secrets == {"pw": UNOPENED}


def test_a_name_without_an_object_is_left_to_the_device_with_a_warning() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE)})

    assert bundle(compiled(found, {})).secrets == {}
    assert [(fault.severity, str(fault)) for fault in found.faults] == [("warning", (
        "org/p.yaml:6:62: spec.resources.pw: there is no Secret `pw`: the device itself must have it "
        "(it lies in /etc/guru/secrets there, or add a Secret)"))]


def test_what_is_kept_away_needs_no_secret() -> None:
    gone = FILE.replace("kind: file", "kind: file, ensure: absent")
    found = fleet({"org/p.yaml": policy("p", gone), **secret("pw", "org")})

    assert bundle(compiled(found, {key("pw", ORG): Opened("f")})).secrets == {}


def test_a_device_has_so_many_secrets_and_no_more() -> None:
    names = [f"s{number:02}" for number in range(MOST + 1)]
    entries = "\n".join(
        f"  {name}: {{kind: file, path: /etc/{name}, contentFrom: {{secretRef: {name}}}}}" for name in names)
    files = {path: text for name in names for path, text in secret(name, "org").items()}
    found = fleet({"org/p.yaml": policy("p", f"resources:\n{entries}"), **files})

    result = compiled(found, {key(name, ORG): Opened("f") for name in names})

    assigned = next(iter(result.assigned.values()))
    assert not isinstance(assigned, Effective)
    assert [fault.message for fault in assigned] == [f"Secret s{MOST}: a device has {MOST} secrets at most"]


def test_a_pin_of_the_tray_is_a_secret_of_the_device() -> None:
    actions = "actions:\n  a: {type: OpenUrl, label: A, url: 'https://a.example', pin: pin}"
    found = fleet({"org/t.yaml": written("ActionSet", "t", actions), **secret("pin", "org")})

    assert bundle(compiled(found, {key("pin", ORG): Opened("f")})).secrets == {"pin": "f"}


@pytest.mark.parametrize("selector", ["fact/os=linux", "role=web", "group=liars"])
def test_a_label_that_the_agent_reports_decides_about_no_secret(selector: str) -> None:
    liars = group("liars", 1, "fact/os=linux")
    found = fleet({
        "org/p.yaml": policy("p", f"selector: '{selector}'\n{FILE}"), "groups/liars.yaml": liars, **secret("pw", "org"),
    })

    assert [str(fault).partition(" (")[0] for fault in found.faults] == [
        "org/p.yaml:7:62: spec.resources.pw: a label that the agent reports would decide who gets a secret"]


def test_a_layer_chosen_by_facts_completes_no_resource_with_a_secret() -> None:
    half = policy("half", "resources:\n  pw: {kind: file, contentFrom: {secretRef: pw}}")
    rest = policy("rest", "selector: fact/os=linux\nresources:\n  pw: {path: /etc/pw}")
    found = fleet({"org/half.yaml": half, "org/rest.yaml": rest, **secret("pw", "org")})

    result = compiled(found, {key("pw", ORG): Opened("f")})

    assigned = next(iter(result.assigned.values()))
    assert not isinstance(assigned, Effective)
    assert "would decide who gets a secret" in str(assigned[0])


def test_a_changed_value_is_explained_by_the_place_of_its_secret() -> None:
    found = fleet({"org/p.yaml": policy("p", FILE), **secret("pw", "org")})
    old, new = (bundle(compiled(found, {key("pw", ORG): Opened(value)})) for value in ("1", "2"))

    changes = Authors(Sources(found, found)).attributed(device(os="linux"), device_changes(old, new))

    told = [(one.path, one.before, one.after, one.why) for one in changes]
    assert told == [("secrets.pw", "1", "2", "org/pw.yaml:1")]


def test_names_are_found_in_models_and_in_bundles_alike() -> None:
    spec = {"kind": "vpn_profile", "name": "a", "type": "wireguard", "key": {"secretRef": "wg"},
            "addresses": ["10.8.0.2/24"], "peers": [{
                "publicKey": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=", "endpoint": "a.example:51820",
                "allowed": ["10.0.0.0/8"], "presharedKey": {"secretRef": "psk"}}]}
    model = VpnProfile.model_validate(spec)

    assert secrets_in(model) == {"wg", "psk"}
    assert named_secrets(model.model_dump(mode="json", by_alias=True)) == {"wg", "psk"}
