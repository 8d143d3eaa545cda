"""Why a VPN does not work: interface, routes, DNS, authentication log, a quick test. It looks and never changes.

What logs say is cut and cleared of secrets: of the profile's own by value, and of whatever follows a word for one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

import orjson

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.resources.vpn import diagnosing_windows
from guru_policy.resources.vpn.profile import EVERYWHERE, Profile, secrets_of
from guru_policy.verdict import State

Subject = Literal["interface", "routes", "dns", "authentication", "test"]
SUBJECTS: tuple[Subject, ...] = ("interface", "routes", "dns", "authentication", "test")
DETAILS, LINE = 8, 300                  # lines of a finding, characters of one
OLD = 180                               # seconds after which WireGuard makes a new handshake (wg(8))
_SECRET = re.compile(r"(?i)(pass(?:word|phrase)?|secret|psk|shared[ _-]?key|private[ _-]?key)(\s*[=:]\s*|\s+)\S+")
_TAGS = ("charon", "charon-systemd", "ipsec", "NetworkManager", "nm-l2tp-service", "pppd", "xl2tpd", "openvpn",
         "nm-openvpn")
_FAULTS: tuple[tuple[str, str, str], ...] = (
    (r"AUTH_FAILED|AUTHENTICATION_FAILED|authentication failed|CHAP authentication failed|E=691",
     "the server refused the user or the password", "compare `user` and the secret of `password` with the server's"),
    (r"NO_PROPOSAL_CHOSEN|no proposal chosen", "the two sides share no encryption",
     "let the server offer what the driver does"),
    (r"no shared key found|invalid (?:ID_V1|HASH_V1) payload|decryption failed|INVALID_KEY_INFORMATION",
     "the pre-shared key is another one", "compare the secret of `psk` with the server's, and raise `rotation`"),
    (r"TLS handshake failed|TLS Error|certificate verify failed|VERIFY ERROR",
     "the certificates do not fit", "compare `ca` with what the server shows"),
    (r"peer not responding|giving up after|Connection refused|Network is unreachable|Cannot resolve|RESOLVE",
     "the server does not answer", "is its address right, and are UDP 500 and 4500, or its port, open on the way?"),
)


class Finding(Carried):
    """One look: what it was about, how it went, and what to do."""

    subject: Subject
    verdict: State
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()


class Looked(Carried):
    """All looks at one profile."""

    profile: str
    type: str
    platform: str
    findings: tuple[Finding, ...]


class Link(NamedTuple):
    """A network interface: its name and addresses."""

    name: str
    addresses: tuple[str, ...]


async def diagnose(host: Host, profile: Profile) -> Looked:
    """Every look at the profile; one that cannot be made is `unknown`, with the reason."""
    secrets = await _secrets(host, profile)
    found = await (_windows(host, profile) if host.platform == "windows" else _linux(host, profile))
    return Looked(
        profile=profile.name, type=profile.type, platform=host.platform,
        findings=tuple(_cleared(one, secrets) for one in found),
    )


async def _linux(host: Host, profile: Profile) -> list[Finding]:
    looks: tuple[tuple[Subject, Callable[[Host, Profile], Awaitable[Finding]]], ...] = (
        ("interface", _interface), ("routes", _routes), ("dns", _dns), ("authentication", _authentication),
        ("test", _test),
    )
    found = []
    for subject, look in looks:
        try:
            found.append(await look(host, profile))
        except CannotLook as error:
            found.append(Finding(subject=subject, verdict=State.unknown, message=error.message, hint=error.hint))
    return found


async def _link(host: Host, profile: Profile) -> Link | None:
    """The profile's interface: of its name for WireGuard, else the first that such a connection makes."""
    begins = {"wireguard": profile.name, "l2tp": "ppp", "openvpn": "tun"}[profile.type]
    for one in _json(await host.query("ip", "-json", "address", "show")):
        name = str(one.get("ifname", ""))
        if name == profile.name or (profile.type != "wireguard" and name.startswith(begins)):
            parts = one.get("addr_info")
            given = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
            return Link(name, tuple(f"{part.get('local')}/{part.get('prefixlen')}" for part in given))
    return None


async def _interface(host: Host, profile: Profile) -> Finding:
    link = await _link(host, profile)
    if link is None:
        return Finding(subject="interface", verdict=State.critical, message="it has no interface: it is not connected",
                       hint=f"connect it: nmcli connection up {profile.name}, or its systemd unit")
    if not link.addresses:
        return Finding(subject="interface", verdict=State.warning, message=f"{link.name} has no address",
                       hint="the server gave none: look at the authentication")
    return Finding(subject="interface", verdict=State.ok, message=f"{link.name} has {', '.join(link.addresses)}")


async def _routes(host: Host, profile: Profile) -> Finding:
    link, wanted = await _link(host, profile), _networks(profile)
    if link is None:
        return Finding(subject="routes", verdict=State.unknown, message="without an interface there are no routes")
    lines = [*_json(await host.query("ip", "-json", "route", "show", "table", "all")),
             *_json(await host.query("ip", "-json", "-6", "route", "show", "table", "all"))]
    through = {_network(str(one.get("dst", ""))) for one in lines if one.get("dev") == link.name}
    if not wanted:
        return Finding(subject="routes", verdict=State.ok, message="the profile names no routes",
                       details=tuple(sorted(filter(None, through))))
    missing = [one for one in wanted if one not in through]
    if missing:
        message = f"{', '.join(missing)} do not go through {link.name}"
        return Finding(subject="routes", verdict=State.critical, message=message,
                       hint="another route is nearer, or it was connected before the profile changed: connect anew",
                       details=tuple(sorted(filter(None, through))))
    return Finding(subject="routes", verdict=State.ok, message=f"{len(wanted)} networks go through {link.name}")


async def _dns(host: Host, profile: Profile) -> Finding:
    if not profile.dns:
        return Finding(subject="dns", verdict=State.ok, message="the profile names no DNS servers")
    try:
        text = await host.query("resolvectl", "dns")
    except CannotLook:
        text = (await host.read("/etc/resolv.conf") or b"").decode(errors="replace")
    missing = [one for one in profile.dns if one not in text.split()]
    if missing:
        return Finding(subject="dns", verdict=State.warning, message=f"{', '.join(missing)} are not asked for names",
                       hint="connect anew; when it stays so, something else writes the resolver's settings",
                       details=tuple(text.splitlines()))
    return Finding(subject="dns", verdict=State.ok, message=f"names are asked of {', '.join(profile.dns)}")


async def _authentication(host: Host, profile: Profile) -> Finding:
    if profile.type == "wireguard":
        return await _handshake(host, profile)
    tags = [word for tag in _TAGS for word in ("-t", tag)]
    log = await host.query("journalctl", "--no-pager", "-q", "-n", "400", "-o", "short-iso", "--since", "-2h", *tags)
    return judged(log.splitlines())


def judged(lines: Sequence[str]) -> Finding:
    """What the newest fault in a log means."""
    for at in range(len(lines) - 1, -1, -1):
        for pattern, message, hint in _FAULTS:
            if re.search(pattern, lines[at], re.IGNORECASE):
                return _judged(State.critical, message, hint, tuple(lines[max(0, at - 3) : at + 2]))
    if not lines:
        return _judged(State.unknown, "nothing was logged in the last two hours", "connect once, then look again")
    return _judged(State.ok, "the log tells of no refusal in the last two hours")


def _judged(verdict: State, message: str, hint: str = "", details: tuple[str, ...] = ()) -> Finding:
    return Finding(subject="authentication", verdict=verdict, message=message, hint=hint, details=details)


async def _handshake(host: Host, profile: Profile) -> Finding:
    said = await host.query("wg", "show", profile.name, "latest-handshakes")
    times = [int(line.split()[-1]) for line in said.splitlines() if line.split()[-1:] and line.split()[-1].isdigit()]
    if not times or max(times) == 0:
        return Finding(subject="authentication", verdict=State.critical, message="no peer ever answered a handshake",
                       hint="compare the keys on both sides, and the peer's `endpoint`")
    age = await host.now() // 1000 - max(times)
    if age > OLD:
        return Finding(subject="authentication", verdict=State.warning, message=f"the newest handshake is {age} s old",
                       hint="nothing was sent since, or the peer does not answer any more: set `keepalive`")
    return Finding(subject="authentication", verdict=State.ok, message=f"a peer answered {age} s ago")


async def _test(host: Host, profile: Profile) -> Finding:
    target = target_of(profile)
    if target is None:
        return Finding(subject="test", verdict=State.unknown, message="the profile names nothing that could be asked",
                       hint="give it `routes` or `dns`")
    done = await host.run(("ping", "-n", "-c", "3", "-W", "2", target), timeout=20)
    if done.exit_code == 0:
        times = re.search(r"= [0-9.]+/([0-9.]+)/", done.stdout)
        return Finding(subject="test", verdict=State.ok,
                       message=f"{target} answers" + (f" after {times[1]} ms" if times else ""))
    return Finding(subject="test", verdict=State.warning, message=f"{target} does not answer a ping",
                   hint="it may be told not to; else look at the routes here and the way back there",
                   details=tuple(done.stdout.splitlines()[-3:]))


async def _windows(host: Host, profile: Profile) -> list[Finding]:
    found = await diagnosing_windows.look(host, profile.name, target_of(profile) or "", profile.all_users)
    return [Finding(**one) for one in diagnosing_windows.findings(found, _networks(profile), profile.dns)]


def target_of(profile: Profile) -> str | None:
    """An address behind the tunnel: its first DNS server, else the first host of its first network."""
    if profile.dns:
        return str(profile.dns[0])
    for one in _networks(profile):
        network = ipaddress.ip_network(one)
        if one not in EVERYWHERE:
            return str(network[1] if network.num_addresses > 1 else network[0])
    return None


def _networks(profile: Profile) -> list[str]:
    allowed = [network for peer in profile.peers for network in peer.allowed]
    return [str(ipaddress.ip_network(one)) for one in (*profile.routes, *allowed)]


def _network(text: str) -> str:
    if text == "default":
        return "0.0.0.0/0"
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return ""


def _json(text: str) -> list[dict[str, object]]:
    try:
        found = orjson.loads(text or "[]")
    except orjson.JSONDecodeError as cause:
        raise CannotLook("ip does not print JSON here", hint="iproute2 of 2018 or newer does") from cause
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


async def _secrets(host: Host, profile: Profile) -> list[str]:
    try:
        return sorted(filter(None, (await secrets_of(profile, host)).values()), key=len, reverse=True)
    except CannotLook:
        return []


def _cleared(finding: Finding, secrets: Sequence[str]) -> Finding:
    details = []
    for line in finding.details[:DETAILS]:
        for secret in secrets:
            line = line.replace(secret, "***")
        details.append(_SECRET.sub(r"\1\2***", line)[:LINE])
    return finding.model_copy(update={"details": tuple(details)})
