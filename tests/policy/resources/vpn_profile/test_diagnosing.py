"""Looks at a VPN that does not work: each says what is wrong, what to do, and no secret."""

from __future__ import annotations

import json

import pytest

from guru_policy.fake_host import FakeHost
from guru_policy.resources.vpn.diagnosing import Looked, diagnose, judged, target_of
from guru_policy.resources.vpn.diagnosing_windows import Told, findings
from guru_policy.resources.vpn_profile import VpnProfile
from guru_policy.verdict import State

LOG = (
    "journalctl --no-pager -q -n 400 -o short-iso --since -2h -t charon -t charon-systemd -t ipsec -t NetworkManager"
    " -t nm-l2tp-service -t pppd -t xl2tpd -t openvpn -t nm-openvpn"
)
KEY = "A" * 43 + "="
L2TP = VpnProfile.model_validate({
    "kind": "vpn_profile", "name": "office", "type": "l2tp", "server": "vpn.example.com", "user": "ada",
    "password": {"secretRef": "pw"}, "psk": {"secretRef": "psk"}, "routes": ["10.4.0.0/16"], "dns": ["10.4.0.53"],
})
WIREGUARD = VpnProfile.model_validate({
    "kind": "vpn_profile", "name": "wg0", "type": "wireguard", "key": {"secretRef": "key"},
    "addresses": ["10.8.0.2/24"], "peers": [{"publicKey": KEY, "allowed": ["10.8.0.0/24"]}],
})


def linux(
    *, interface: str = "", routes: tuple[str, ...] = (), dns: str = "", log: str = "", ping: int = 0
) -> FakeHost:
    host = FakeHost(secrets={"pw": "hunter2", "psk": "open sesame", "key": KEY})
    links = [{"ifname": "lo", "addr_info": []}]
    if interface:
        links.append({"ifname": interface, "addr_info": [{"local": "10.8.0.2", "prefixlen": 24}]})
    host.says("ip -json address show", json.dumps(links))
    host.says("ip -json route show table all", json.dumps([{"dst": one, "dev": interface} for one in routes]))
    host.says("ip -json -6 route show table all", "[]")
    host.says("resolvectl dns", dns)
    host.says(LOG, log)
    host.says("ping -n -c 3 -W 2 10.4.0.53", "rtt min/avg/max/mdev = 1.0/2.5/3.0/0.1 ms", exit_code=ping)
    host.says("ping -n -c 3 -W 2 10.8.0.1", "3 packets transmitted, 0 received", exit_code=ping)
    return host


def verdicts(found: Looked) -> dict[str, str]:
    return {one.subject: one.verdict.value for one in found.findings}


async def test_a_vpn_that_works_is_well_in_every_look() -> None:
    host = linux(interface="ppp0", routes=("10.4.0.0/16",), dns="Link 5 (ppp0): 10.4.0.53", log="pppd: up")
    found = await diagnose(host, L2TP)

    assert verdicts(found) == dict.fromkeys(("interface", "routes", "dns", "authentication", "test"), "ok")
    assert "2.5 ms" in found.findings[-1].message


async def test_a_vpn_that_is_not_connected_says_so_and_why() -> None:
    log = "charon: loaded\ncharon: received NO_PROPOSAL_CHOSEN notify error"
    found = await diagnose(linux(log=log, ping=1), L2TP)

    assert verdicts(found) == {
        "interface": "critical", "routes": "unknown", "dns": "warning", "authentication": "critical", "test": "warning"}
    assert "encryption" in found.findings[3].message


async def test_a_route_that_is_missing_is_named() -> None:
    found = await diagnose(linux(interface="ppp0", routes=("192.168.7.0/24",), dns="10.4.0.53"), L2TP)

    assert "10.4.0.0/16" in found.findings[1].message
    assert found.findings[1].details == ("192.168.7.0/24",)


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "critical"), (5000, "warning"), (20, "ok")])
async def test_a_handshake_of_wireguard_is_judged_by_its_age(seconds: int, verdict: str) -> None:
    host = linux(interface="wg0", routes=("10.8.0.0/24",))
    moment = host.clock // 1000 - seconds if seconds else 0
    host.says("wg show wg0 latest-handshakes", f"{KEY}\t{moment}")

    assert verdicts(await diagnose(host, WIREGUARD))["authentication"] == verdict


async def test_no_secret_is_in_what_is_told() -> None:
    log = "pppd: password = swordfish\npppd: sent [hunter2] and open sesame\npppd: CHAP authentication failed"
    text = (await diagnose(linux(log=log), L2TP)).model_dump_json()

    assert not [secret for secret in ("hunter2", "open sesame", "swordfish") if secret in text]
    assert "***" in text


async def test_a_program_that_is_missing_makes_one_look_unknown() -> None:
    host = linux(interface="ppp0", routes=("10.4.0.0/16",), dns="10.4.0.53")
    del host.answers[LOG]

    assert verdicts(await diagnose(host, L2TP))["authentication"] == "unknown"


@pytest.mark.parametrize(("line", "words"), [
    ("AUTH: Received control message: AUTH_FAILED", "password"), ("E=691 R=1", "password"),
    ("no shared key found for 'vpn'", "pre-shared key"), ("TLS Error: TLS handshake failed", "certificates"),
    ("giving up after 5 retransmits", "does not answer"),
])
def test_lines_of_a_log_mean_something(line: str, words: str) -> None:
    assert words in judged(["before", line, "after"]).message


def test_the_newest_fault_counts() -> None:
    assert "password" in judged(["NO_PROPOSAL_CHOSEN", "AUTHENTICATION_FAILED"]).message
    assert judged([]).verdict is State.unknown


def test_what_is_asked_is_behind_the_tunnel() -> None:
    assert (target_of(L2TP), target_of(WIREGUARD)) == ("10.4.0.53", "10.8.0.1")


def test_windows_is_judged_by_what_its_cmdlets_tell() -> None:
    bad = findings(Told(status="Disconnected", error="789"), ["10.4.0.0/16"], ["10.4.0.53"])
    good = findings(Told(status="Connected", routes=("10.4.0.0/16",), dns=("10.4.0.53",), ping=True),
                    ["10.4.0.0/16"], ["10.4.0.53"])

    assert [one["verdict"].value for one in bad] == ["critical", "unknown", "unknown", "critical", "unknown"]
    assert "pre-shared key" in bad[3]["message"]
    assert {one["verdict"].value for one in good} == {"ok"}
