"""Specs of resources that make no sense, or reach where they must not, are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from guru_policy.fake_host import FakeHost
from guru_policy.powershell import PROGRAM, quoted
from guru_policy.resources import RESOURCES
from guru_policy.resources.archive import Archive
from guru_policy.resources.file import File
from guru_policy.resources.systemd_unit import SystemdUnit
from guru_policy.resources.vpn.windows import look_script
from guru_policy.resources.vpn_profile import VpnProfile
from guru_policy.steps import Execute

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIGRvbid0IHVzZSB0aGlzIGtleSBhbnl3aGVyZSEh"

L2TP: dict[str, Any] = {
    "name": "a", "type": "l2tp", "server": "vpn.example.com", "user": "a", "password": {"secretRef": "pw"},
    "psk": {"secretRef": "psk"},
}
WIREGUARD: dict[str, Any] = {
    "name": "a", "type": "wireguard", "key": {"secretRef": "wg"}, "addresses": ["10.8.0.2/24"],
    "peers": [{"publicKey": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "allowed": ["10.0.0.0/8"]}],
}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("file", {"path": "/etc/../root/x", "content": ""}), ("file", {"path": "etc/x", "content": ""}),
        ("file", {"path": "/etc//x", "content": ""}), ("file", {"path": "/a\nb", "content": ""}),
        ("file", {"path": "/", "content": ""}), ("file", {"path": "/x"}),
        ("file", {"path": "/x", "content": "", "source": "a"}), ("file", {"path": "/x", "source": "../a"}),
        ("file", {"path": "/x", "content": "", "mode": 644}), ("file", {"path": "/x", "content": "\ud800"}),
        ("systemd_unit", {"name": "--now"}), ("systemd_unit", {"name": "a b"}),
        ("apt_package", {"name": "-y"}),
        ("apt_package", {"name": "curl", "version": "1", "ensure": "latest"}),
        ("cron_job", {"name": "a.b", "schedule": "@daily", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "60 * * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "* * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "5-1 * * * *", "command": "x"}),
        ("cron_job", {"name": "a", "schedule": "@daily", "command": "x\n* * * * * root y"}),
        ("command", {"unless": "true"}), ("command", {"shell": "x"}),
        ("user", {"name": "Anna:0"}), ("user", {"name": "anna", "comment": "a:b"}),
        ("user", {"name": "anna", "uid": 0}),
        ("group", {"name": "-ops"}), ("group", {"name": "ops", "members": ["a,b"]}),
        ("group", {"name": "ops", "members": ["a\n"]}), ("group", {"name": "ops", "gid": 0}),
        ("authorized_key", {"user": "anna", "key": "ssh-ed25519 AAAA"}),
        ("authorized_key", {"user": "anna", "key": f"ssh-rsa {ED25519}"}),
        ("authorized_key", {"user": "anna", "key": f"ssh-ed25519 {ED25519}\nssh-ed25519 {ED25519}"}),
        ("authorized_key", {"user": "anna", "key": f'command="x" ssh-ed25519 {ED25519}'}),
        ("authorized_key", {"user": "anna", "key": f"ssh-ed25519 {ED25519}", "options": 'command="x'}),
        ("authorized_key", {"user": "anna", "key": f"ssh-ed25519 {ED25519}", "options": "a b"}),
        ("sysctl", {"name": "../x", "value": 1}), ("sysctl", {"name": "net..x", "value": 1}),
        ("sysctl", {"name": "net.x", "value": "1\nkernel.y = 2"}), ("sysctl", {"name": "net.x"}),
        ("sysctl", {"name": "net.x", "value": True}), ("sysctl", {"name": "net/x", "value": 1}),
        ("package", {"name": "--root=/x"}), ("package", {"name": "a b"}), ("package", {"name": "a\n"}),
        ("package", {"name": "a", "names": {"yum": "b"}}), ("package", {"name": "a", "version": "-1"}),
        ("package", {"name": "a", "version": "1", "ensure": "latest"}), ("package", {"name": "a", "purge": True}),
        ("package", {"name": "a", "version": "1", "manager": "brew"}),
        ("firewall_rule", {"name": "a", "ports": [0]}), ("firewall_rule", {"name": "a", "ports": ["90-80"]}),
        ("firewall_rule", {"name": "a", "ports": ["1; drop"]}), ("firewall_rule", {"name": "a b"}),
        ("firewall_rule", {"name": "a", "ports": [1], "protocol": "icmp"}),
        ("firewall_rule", {"name": "a", "addresses": ["10.0.0.1/8"]}),
        ("firewall_rule", {"name": "a", "addresses": ["any"]}),
        ("firewall_rule", {"name": "a", "interface": 'eth0" accept'}),
        ("firewall_rule", {"name": "a", "chain": "input; flush ruleset"}),
        ("firewall_rule", {"name": "a", "firewall": "windows", "interface": "eth0"}),
        ("archive", {"path": "/opt/a"}), ("archive", {"path": "/opt", "source": "a.tgz"}),
        ("archive", {"path": "/opt/../etc/x", "source": "a.tgz"}), ("archive", {"path": "/opt/a", "source": "../a"}),
        ("archive", {"path": "/opt/a", "source": "a.tgz", "maxSize": "2GiB"}),
        ("git_checkout", {"path": "/opt/a", "repository": "ext::sh -c id"}),
        ("git_checkout", {"path": "/opt", "repository": "https://example.com/a"}),
        ("git_checkout", {"path": "/opt/a", "repository": "https://example.com/a", "revision": "--upload-pack=id"}),
        ("git_checkout", {"path": "/opt/a", "repository": "https://example.com/a", "revision": "a..b"}),
        ("certificate", {"name": "a", "certificate": "hello"}),
        ("vpn_profile", {"name": "a", "type": "l2tp"}), ("vpn_profile", {"name": "../a", "type": "l2tp"}),
        ("vpn_profile", {**L2TP, "password": "hunter2"}), ("vpn_profile", {**L2TP, "psk": {"secretRef": "../x"}}),
        ("vpn_profile", {**L2TP, "server": "a\nb"}), ("vpn_profile", {**L2TP, "user": "a\nb"}),
        ("vpn_profile", {**L2TP, "driver": "wg-quick"}), ("vpn_profile", {**L2TP, "dnsSearch": ["a; id"]}),
        ("vpn_profile", {**L2TP, "allUsers": False, "preLogin": True}),
        ("vpn_profile", {**WIREGUARD, "routes": ["10.0.0.0/8"]}), ("vpn_profile", {**WIREGUARD, "splitTunnel": False}),
        ("vpn_profile", {**WIREGUARD, "peers": [{"publicKey": "short", "allowed": ["10.0.0.0/8"]}]}),
        ("vpn_profile", {**WIREGUARD, "addresses": ["10.0.0.1/8\nPostUp = id"]}),
        ("registry_value", {"key": "HKCU\\X", "name": "a", "value": "b"}),
        ("registry_value", {"key": "HKLM\\X", "name": "/f", "value": "b"}),
        ("registry_value", {"key": "HKLM\\X", "name": "a", "value": "b\n"}),
        ("registry_value", {"key": "HKLM\\X", "name": "a", "type": "dword", "value": "1"}),
        ("registry_value", {"key": "HKLM\\X", "name": "a", "type": "dword", "value": 1 << 32}),
        ("registry_value", {"key": "HKLM\\X", "name": "a", "type": "dword", "value": True}),
        ("windows_service", {"name": "a b"}), ("windows_service", {"name": "a'; calc"}),
        ("scheduled_task", {"name": "a", "program": "x"}), ("scheduled_task", {"name": "..\\a", "atBoot": True}),
        ("scheduled_task", {"name": "a", "program": 'x" y', "atBoot": True}),
        ("scheduled_task", {"name": "a", "program": "x", "daily": "25:00"}),
        ("launchd_job", {"label": "com.apple.x", "command": ["/bin/true"]}),
        ("launchd_job", {"label": "../x.y", "command": ["/bin/true"]}),
        ("launchd_job", {"label": "com.example.x", "command": ["true"]}),
        ("launchd_job", {"label": "com.example.x", "command": ["/bin/echo", "\x01"]}),
        ("launchd_job", {"label": "com.example.x", "command": ["/bin/true"], "hour": 3}),
        ("hosts_entry", {"address": "192.0.2.300", "names": ["a"]}),
        ("hosts_entry", {"address": "192.0.2.3", "names": []}),
        ("hosts_entry", {"address": "192.0.2.3", "names": ["a b"]}),
        ("hosts_entry", {"address": "192.0.2.3", "names": ["a\n127.0.0.1 b"]}),
        ("hosts_entry", {"address": "192.0.2.3", "names": ["localhost"]}),
    ],
)
def test_a_resource_that_makes_no_sense_is_refused(kind: str, spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RESOURCES[kind].model_validate({"kind": kind, **spec})


def test_a_source_is_replaced_by_its_digest_in_a_bundle() -> None:
    file = File(path="/etc/motd", source="files/motd")

    placed = file.placed({"files/motd": "a" * 64})

    assert file.sources() == ("files/motd",)
    assert (placed.source, placed.digest) == (None, "a" * 64)


def test_an_archive_is_carried_by_its_digest() -> None:
    archive = Archive(path="/opt/app", source="files/app.tgz")

    assert archive.sources() == ("files/app.tgz",)
    assert archive.placed({"files/app.tgz": "a" * 64}) == Archive(path="/opt/app", digest="a" * 64)


def test_a_changed_configuration_restarts_the_unit_that_should_run() -> None:
    unit = SystemdUnit.model_validate({"name": "ssh", "restartOn": ["sshd-config"]})
    stopped = SystemdUnit(name="ssh", running=False)

    assert unit.triggers() == ("sshd-config",)
    assert [str(step) for step in unit.plan_triggered()][-1] == "run systemctl restart -- ssh"
    assert list(stopped.plan_triggered()) == []


async def test_what_a_plan_and_its_state_print_holds_no_secret() -> None:
    host = FakeHost(platform="windows", secrets={"pw": "hunter2", "psk": "sesame"})
    profile = VpnProfile.model_validate({**L2TP, "preLogin": True})
    host.says(" ".join((*PROGRAM, look_script(profile))), "null")

    state = await profile.probe(host)
    (step,) = profile.plan(state)

    assert isinstance(step, Execute)
    assert b"hunter2" in step.stdin
    for text in (str(step), repr(step), repr(state), " ".join(step.argv), profile.model_dump_json()):
        assert "hunter2" not in text
        assert "sesame" not in text


def test_text_of_others_stays_text_in_powershell() -> None:
    assert quoted("a'; calc; \u2019b") == "'a''; calc; \u2019\u2019b'"
