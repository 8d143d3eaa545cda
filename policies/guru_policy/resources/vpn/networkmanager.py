"""A VPN profile as a keyfile of NetworkManager. Looks and plans; touches nothing.

Keys are those of nm-settings-keyfile(5), and of the plugins NetworkManager-l2tp and NetworkManager-openvpn.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterator, Mapping

from guru_policy.host import Host
from guru_policy.resources.vpn.files import AllInFiles, Wanted
from guru_policy.resources.vpn.profile import Profile
from guru_policy.steps import Step, change_system

_SPACE = uuid.UUID("6a3c1b0e-0b7e-4f2e-9a54-2d1d3f7c5e90")
_SERVICE = "org.freedesktop.NetworkManager"
Sections = dict[str, dict[str, str]]


class NetworkManager(AllInFiles):
    """`guru-NAME.nmconnection` under /etc/NetworkManager, and certificates beside it."""

    def paths(self, name: str) -> tuple[str, ...]:
        """See Driver."""
        beside = [f"/etc/NetworkManager/guru-{name}-{part}.pem" for part in ("ca", "certificate", "key")]
        return (f"/etc/NetworkManager/system-connections/guru-{name}.nmconnection", *beside)

    async def files(self, profile: Profile, secrets: dict[str, str], host: Host) -> tuple[Wanted, ...]:
        """See Driver."""
        if profile.ensure == "absent":
            return ()
        main, ca, certificate, key = self.paths(profile.name)
        sections: Sections = {"connection": {
            "id": profile.name, "uuid": str(uuid.uuid5(_SPACE, profile.name)),
            "type": "wireguard" if profile.type == "wireguard" else "vpn",
            "autoconnect": "true" if profile.pre_login else "false",
        }}
        wanted: list[Wanted] = []
        if profile.type == "wireguard":
            sections |= _wireguard(profile, secrets)
            sections["connection"]["interface-name"] = profile.name
        elif profile.type == "l2tp":
            sections |= _l2tp(profile, secrets)
        else:
            held = {"ca": ca} | ({"cert": certificate, "key": key} if profile.certificate else {})
            sections |= _openvpn(profile, secrets, held)
            wanted.append(Wanted(ca, (profile.ca or "").encode()))
            if profile.certificate and profile.key:
                pem = await profile.key.content(host)
                wanted += [Wanted(certificate, profile.certificate.encode()), Wanted(key, pem)]
        sections |= _addresses(profile)
        return (Wanted(main, _keyfile(sections)), *wanted)

    def after(self, profile: Profile, *, changed: bool, enabled: bool | None) -> Iterator[Step]:
        """See Driver."""
        del enabled, profile
        if changed:
            yield change_system("nmcli", "connection", "reload")


def _l2tp(profile: Profile, secrets: Mapping[str, str]) -> Sections:
    chap = profile.authentication == "chap"
    return {
        "vpn": {
            "service-type": f"{_SERVICE}.l2tp", "gateway": profile.server or "", "user": profile.user or "",
            "ipsec-enabled": "yes", "machine-auth-type": "psk", "refuse-eap": "yes", "refuse-pap": "yes",
            "refuse-mschap": "yes", "refuse-chap": "no" if chap else "yes", "refuse-mschapv2": "yes" if chap else "no",
            "password-flags": "0", "ipsec-psk-flags": "0",
        },
        "vpn-secrets": {"password": secrets["password"], "ipsec-psk": secrets["psk"]},
    }


def _openvpn(profile: Profile, secrets: Mapping[str, str], held: Mapping[str, str]) -> Sections:
    by_password = profile.user is not None and profile.password is not None
    kind = ("password-tls" if by_password else "tls") if profile.certificate else "password"
    vpn = {
        "service-type": f"{_SERVICE}.openvpn", "connection-type": kind, "remote": f"{profile.server}:{profile.port}",
        "proto-tcp": "yes" if profile.transport == "tcp" else "no", "remote-cert-tls": "server", **held,
    }
    if not by_password:
        return {"vpn": vpn}
    return {
        "vpn": vpn | {"username": profile.user or "", "password-flags": "0"},
        "vpn-secrets": {"password": secrets["password"]},
    }


def _wireguard(profile: Profile, secrets: Mapping[str, str]) -> Sections:
    found: Sections = {"wireguard": {"private-key": secrets["key"], "private-key-flags": "0"}}
    for peer in profile.peers:
        words = {"allowed-ips": "".join(f"{network};" for network in peer.allowed)}
        if peer.endpoint:
            words["endpoint"] = peer.endpoint
        if peer.keepalive:
            words["persistent-keepalive"] = str(peer.keepalive)
        if peer.preshared_key:
            words |= {"preshared-key": secrets[peer.public_key], "preshared-key-flags": "0"}
        found[f"wireguard-peer.{peer.public_key}"] = words
    return found


def _addresses(profile: Profile) -> Sections:
    """`[ipv4]` and `[ipv6]`: addresses, routes, DNS, and whether everything goes through."""
    found: Sections = {}
    for section, version in (("ipv4", 4), ("ipv6", 6)):
        mine = [one for one in profile.addresses if ipaddress.ip_interface(one).version == version]
        routes = [one for one in profile.routes if ipaddress.ip_network(one).version == version]
        servers = [one for one in profile.dns if ipaddress.ip_address(one).version == version]
        given = profile.type == "wireguard"
        words = {"method": ("manual" if mine else "disabled") if given else "auto"}
        words |= {f"address{index}": one for index, one in enumerate(mine, 1)}
        words |= {f"route{index}": str(ipaddress.ip_network(one)) for index, one in enumerate(routes, 1)}
        if servers:
            words |= {"dns": "".join(f"{one};" for one in servers), "ignore-auto-dns": "true"}
        if profile.dns_search and words["method"] != "disabled":
            words["dns-search"] = "".join(f"{one};" for one in profile.dns_search)
        if words["method"] != "disabled" and not given:
            words["never-default"] = "true" if profile.split_tunnel else "false"
        found[section] = words
    return found


def _keyfile(sections: Sections) -> bytes:
    lines = ["# Managed by GuruRMM: changes made here are undone. Change the fleet repository."]
    for section, words in sections.items():
        lines += ["", f"[{section}]", *(f"{key}={_escaped(value)}" for key, value in words.items())]
    return ("\n".join(lines) + "\n").encode()


def _escaped(value: str) -> str:
    """As GKeyFile reads it: backslashes doubled, spaces in front kept."""
    text = value.replace("\\", "\\\\")
    bare = text.lstrip(" ")
    return "\\s" * (len(text) - len(bare)) + bare
