"""A WireGuard profile as a file of wg-quick(8) and its systemd unit. Looks and plans; touches nothing."""

from __future__ import annotations

from collections.abc import Iterator

from guru_policy.host import Host
from guru_policy.resources.vpn.files import Wanted
from guru_policy.resources.vpn.profile import Profile
from guru_policy.steps import Step, change_system


class WgQuick:
    """`/etc/wireguard/NAME.conf`; the interface has the profile's name."""

    def paths(self, name: str) -> tuple[str, ...]:
        """See Driver."""
        return (f"/etc/wireguard/{name}.conf",)

    async def files(self, profile: Profile, secrets: dict[str, str], host: Host) -> tuple[Wanted, ...]:
        """See Driver."""
        del host
        if profile.ensure == "absent":
            return ()
        lines = ["[Interface]", f"PrivateKey = {secrets['key']}", f"Address = {', '.join(profile.addresses)}"]
        if profile.dns or profile.dns_search:
            lines.append(f"DNS = {', '.join((*profile.dns, *profile.dns_search))}")
        for peer in profile.peers:
            lines += ["", "[Peer]", f"PublicKey = {peer.public_key}", f"AllowedIPs = {', '.join(peer.allowed)}"]
            if peer.endpoint:
                lines.append(f"Endpoint = {peer.endpoint}")
            if peer.preshared_key:
                lines.append(f"PresharedKey = {secrets[peer.public_key]}")
            if peer.keepalive:
                lines.append(f"PersistentKeepalive = {peer.keepalive}")
        return (Wanted(self.paths(profile.name)[0], ("\n".join(lines) + "\n").encode()),)

    async def enabled(self, host: Host, profile: Profile) -> bool | None:
        """See Driver."""
        said = await host.query("systemctl", "is-enabled", "--", _unit(profile))
        return said == "enabled"

    def before(self, profile: Profile) -> Iterator[Step]:
        """See Driver. wg-quick reads the file once more to take the interface down."""
        yield change_system("systemctl", "disable", "--now", "--", _unit(profile))

    def after(self, profile: Profile, *, changed: bool, enabled: bool | None) -> Iterator[Step]:
        """See Driver. A tunnel that is up is made anew; one that should be up before login is enabled."""
        if profile.ensure == "absent":
            return
        if profile.pre_login and not enabled:
            yield change_system("systemctl", "enable", "--now", "--", _unit(profile))
        elif enabled and not profile.pre_login:
            yield change_system("systemctl", "disable", "--now", "--", _unit(profile))
        elif changed:
            yield change_system("systemctl", "try-restart", "--", _unit(profile))


def _unit(profile: Profile) -> str:
    return f"wg-quick@{profile.name}.service"
