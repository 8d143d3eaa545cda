"""VPN profiles as files on a real machine. No tunnel comes up here: what reads the files is asked about them."""

from __future__ import annotations

import json

from tests.agent.real.world import NOTHING, Action, converge, done, read, run, tell, write

KEY = "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
PEER = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
# Stand-ins for the service programs of this machine: they note what they are told.
PROGRAMS = run("sh", "-ec", r"""
for program in systemctl nmcli swanctl; do
    printf '#!/bin/sh\necho %s "$@" >> /var/told\n' $program > /usr/local/sbin/$program
    chmod +x /usr/local/sbin/$program
done
""")
TOLD = read("/var/told")


def secret(name: str, text: str) -> Action:
    """A secret as a technician leaves it on a device."""
    kept = f"printf '%s\\n' '{text}' > /etc/guru/secrets/{name}"
    return run("sh", "-ec", f"mkdir -p -m 0700 /etc/guru/secrets; umask 077; {kept}")


def wireguard(**more: object) -> Action:
    """A split tunnel."""
    return converge("vpn_profile", **{
        "name": "office", "type": "wireguard", "driver": "wg-quick", "key": {"secretRef": "wg"},
        "addresses": ["10.8.0.2/24"], "dns": ["10.8.0.1"],
        "peers": [{"publicKey": PEER, "endpoint": "vpn.example.com:51820", "allowed": ["10.0.0.0/8"], "keepalive": 25}],
        **more,
    })


def l2tp(driver: str, **more: object) -> Action:
    """A profile with a password that would break out of a careless file."""
    return converge("vpn_profile", **{
        "name": "office", "type": "l2tp", "driver": driver, "server": "vpn.example.com", "user": 'an"na\\',
        "password": {"secretRef": "pw"}, "psk": {"secretRef": "psk"}, "authentication": "chap",
        "routes": ["10.0.0.0/8"], "dns": ["10.0.0.1"], "preLogin": True, **more,
    })


def test_a_wireguard_profile_is_kept_in_a_file_that_wg_quick_reads() -> None:
    path = "/etc/wireguard/office.conf"
    _, _, made, again, text, mode, stripped, _, mended, gone, file = tell(
        PROGRAMS, secret("wg", KEY), wireguard(), wireguard(), read(path), run("stat", "-c", "%U %a", path),
        run("wg-quick", "strip", "office"), write(path, "[Interface]\n"), wireguard(),
        wireguard(ensure="absent"), read(path),
    )

    assert done(made), made
    assert again == NOTHING
    assert text.splitlines()[:4] == ["[Interface]", f"PrivateKey = {KEY}", "Address = 10.8.0.2/24", "DNS = 10.8.0.1"]
    assert mode["out"] == "root 600\n"
    assert f"PrivateKey = {KEY}\n" in stripped["out"]
    assert "AllowedIPs = 10.0.0.0/8" in stripped["out"]
    assert done(mended)
    assert done(gone)
    assert file is None
    assert KEY not in json.dumps([made, mended, gone])


def test_a_new_secret_is_taken_in_and_a_loose_or_missing_one_is_told_without_its_value() -> None:
    _, missing, _, _, _, changed, _, loose = tell(
        PROGRAMS, wireguard(), secret("wg", KEY), wireguard(), secret("wg", PEER), wireguard(),
        run("chmod", "0644", "/etc/guru/secrets/wg"), wireguard(),
    )

    assert missing["error"] == "this device has no secret wg"
    assert changed["steps"][0] == "write /etc/wireguard/office.conf"
    assert loose["error"] == "/etc/guru/secrets/wg is not a file that only root can read"
    assert PEER not in json.dumps([changed, loose])


def test_an_l2tp_profile_is_files_of_strongswan_xl2tpd_and_pppd() -> None:
    shared = "[global]\nport = 1701\n\n[lac other]\nlns = 192.0.2.1\n"
    *_, made, again, ipsec, options, up, xl2tpd, syntax, gone, nothing, after, told = tell(
        PROGRAMS, secret("pw", 's3"cret\\'), secret("psk", 'p}s"k'), write("/etc/xl2tpd/xl2tpd.conf", shared),
        l2tp("strongswan"), l2tp("strongswan"), read("/etc/swanctl/conf.d/guru-office.conf"),
        read("/etc/ppp/guru-office.options"), read("/etc/ppp/ip-up.d/guru-office"), read("/etc/xl2tpd/xl2tpd.conf"),
        run("sh", "-n", "/etc/ppp/ip-up.d/guru-office"), l2tp("strongswan", ensure="absent"),
        l2tp("strongswan", ensure="absent"), read("/etc/xl2tpd/xl2tpd.conf"), TOLD,
    )

    assert done(made), made
    assert again == nothing == NOTHING
    assert "secret = 0scH1zIms=" in ipsec
    assert options.splitlines()[:2] == ['name "an\\"na\\\\"', 'password "s3\\"cret\\\\"']
    assert "refuse-mschap-v2" in options
    assert 'ip route replace 10.0.0.0/8 dev "$1"' in up
    assert xl2tpd.startswith(shared)
    assert "autodial = yes" in xl2tpd
    assert syntax["exit"] == 0
    assert done(gone), gone
    assert after == shared
    assert "swanctl --load-all --noprompt" in told
    assert "s3" not in json.dumps([made, gone])


def test_networkmanager_gets_a_keyfile() -> None:
    path = "/etc/NetworkManager/system-connections/guru-office.nmconnection"
    *_, made, again, text, changed, gone, file, told = tell(
        PROGRAMS, secret("pw", "a\\b"), secret("psk", "k"), l2tp("networkmanager"), l2tp("networkmanager"), read(path),
        l2tp("networkmanager", splitTunnel=False), l2tp("networkmanager", ensure="absent"), read(path), TOLD,
    )

    assert done(made), made
    assert again == NOTHING
    assert "password=a\\\\b\n" in text
    assert "refuse-chap=no\n" in text
    assert "[ipv4]\nmethod=auto\nroute1=10.0.0.0/8\ndns=10.0.0.1;\nignore-auto-dns=true\nnever-default=true\n" in text
    assert done(changed)
    assert done(gone)
    assert file is None
    assert told == "nmcli connection reload\n" * 3
