"""An L2TP/IPsec profile as files of strongSwan, xl2tpd and pppd. Looks and plans; touches nothing.

swanctl.conf(5) includes conf.d/*.conf; xl2tpd.conf(5) includes nothing, so its section is kept between two marks.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.vpn.files import AllInFiles, Wanted
from guru_policy.resources.vpn.profile import Profile
from guru_policy.steps import Step, change_system

XL2TPD = "/etc/xl2tpd/xl2tpd.conf"
_IKE = "aes256-sha256-modp2048,aes256-sha1-modp2048,aes128-sha1-modp2048,aes256-sha1-modp1024,3des-sha1-modp1024"
_ESP = "aes256-sha256,aes256-sha1,aes128-sha1,3des-sha1"


class StrongSwan(AllInFiles):
    """One connection of strongSwan, one `lac` of xl2tpd, and what pppd does when the line is up."""

    def paths(self, name: str) -> tuple[str, ...]:
        """See Driver. xl2tpd's own file is shared and not among them."""
        full = f"guru-{name}"
        return (f"/etc/swanctl/conf.d/{full}.conf", f"/etc/ppp/{full}.options", f"/etc/ppp/ip-up.d/{full}")

    async def files(self, profile: Profile, secrets: dict[str, str], host: Host) -> tuple[Wanted, ...]:
        """See Driver."""
        ipsec, options, up = self.paths(profile.name)
        shared = await host.read(XL2TPD)
        if profile.ensure == "absent":
            return () if shared is None else (Wanted(XL2TPD, with_section(shared, profile), 0o644),)
        if shared is None:
            raise CannotLook(f"there is no {XL2TPD}", hint="install xl2tpd")
        return (
            Wanted(ipsec, _swanctl(profile, secrets["psk"])), Wanted(options, _options(profile, secrets["password"])),
            Wanted(up, _up(profile), 0o755), Wanted(XL2TPD, with_section(shared, profile), 0o644),
        )

    def after(self, profile: Profile, *, changed: bool, enabled: bool | None) -> Iterator[Step]:
        """See Driver."""
        del enabled, profile
        if changed:
            yield change_system("swanctl", "--load-all", "--noprompt")
            yield change_system("systemctl", "try-restart", "--", "xl2tpd.service")


def with_section(shared: bytes, profile: Profile) -> bytes:
    """xl2tpd's file with the profile's section as it should be, or without it; everything else stays."""
    full = f"guru-{profile.name}"
    begin, end = f"; begin {full}", f"; end {full}"
    lines = shared.decode(errors="surrogateescape").splitlines()
    if begin in lines and end in lines[lines.index(begin) :]:
        first = lines.index(begin)
        del lines[first : lines.index(end, first) + 1]
    if profile.ensure == "present":
        dial = "yes" if profile.pre_login else "no"
        lines += [
            begin, f"[lac {full}]", f"lns = {profile.server}", f"pppoptfile = /etc/ppp/{full}.options",
            f"autodial = {dial}", "redial = yes", "redial timeout = 15", "length bit = yes", end,
        ]
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")


def _swanctl(profile: Profile, psk: str) -> bytes:
    full = f"guru-{profile.name}"
    secret = base64.b64encode(psk.encode()).decode()
    action = "start" if profile.pre_login else "trap"
    return f"""# Managed by GuruRMM: changes made here are undone. Change the fleet repository.
connections {{
    {full} {{
        version = 1
        remote_addrs = {profile.server}
        proposals = {_IKE}
        local {{
            auth = psk
        }}
        remote {{
            auth = psk
            id = %any
        }}
        children {{
            {full} {{
                mode = transport
                local_ts = dynamic[udp]
                remote_ts = dynamic[udp/1701]
                esp_proposals = {_ESP}
                start_action = {action}
                dpd_action = restart
            }}
        }}
    }}
}}
secrets {{
    ike-{full} {{
        secret = 0s{secret}
    }}
}}
""".encode()


def _options(profile: Profile, password: str) -> bytes:
    """What pppd(8) is told; it asks for one kind of authentication and refuses the others."""
    refused = "refuse-mschap-v2" if profile.authentication == "chap" else "refuse-chap"
    route = ["nodefaultroute"] if profile.split_tunnel else ["defaultroute", "replacedefaultroute"]
    lines = [
        f"name {_quoted(profile.user or '')}", f"password {_quoted(password)}", "hide-password", "noauth",
        "refuse-eap", "refuse-pap", "refuse-mschap", refused, "noccp", "mtu 1400", "mru 1400",
        f"ipparam guru-{profile.name}", *route, *([] if profile.dns else ["usepeerdns"]),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _up(profile: Profile) -> bytes:
    """pppd runs it with the interface first and ipparam sixth; what is in it was checked to be addresses and names."""
    lines = ["#!/bin/sh", f'[ "$6" = guru-{profile.name} ] || exit 0']
    lines += [f'ip route replace {network} dev "$1"' for network in profile.routes]
    if profile.dns:
        lines.append(f'resolvectl dns "$1" {" ".join(profile.dns)}')
    if profile.dns_search:
        lines.append(f'resolvectl domain "$1" {" ".join(profile.dns_search)}')
    return "".join(f"{line}\n" for line in lines).encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
