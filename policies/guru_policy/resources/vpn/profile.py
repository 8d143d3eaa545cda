"""What a VPN profile says, apart from any program that makes the connection. Only values."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from guru_policy.host import Host
from guru_policy.machine import Line
from guru_policy.model import Frozen, wrong
from guru_policy.quantities import shown
from guru_policy.resources.certificates import read_certificate
from guru_policy.resources.firewalls.rule import Networks
from guru_policy.resources.hosts_entry import Address, HostName
from guru_policy.secret import SecretRef

DriverName = Literal["networkmanager", "strongswan", "wg-quick", "windows"]
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def _key(value: str) -> str:
    try:
        right = len(base64.b64decode(value, validate=True)) == 32 and len(value) == 44
    except (binascii.Error, ValueError):
        right = False
    if not right:
        raise wrong(f"{shown(value)} is not a key of WireGuard", hint="44 characters, as `wg pubkey` prints it")
    return value


def _interface(value: str) -> str:
    try:
        return str(ipaddress.ip_interface(value))
    except ValueError as cause:
        raise wrong(f"{shown(value)} is not an address with its network", hint="such as 10.8.0.2/24") from cause


def _server(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


def _endpoint(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise wrong(f"{shown(value)} is not a place", hint="such as vpn.example.com:51820 or [2001:db8::1]:51820")
    return value


_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
Server = Annotated[str, StringConstraints(pattern=rf"^({_HOST}|[0-9A-Fa-f:]{{2,39}})\z"), AfterValidator(_server)]
Endpoint = Annotated[
    str, StringConstraints(pattern=rf"^({_HOST}|\[[0-9A-Fa-f:]{{2,39}}\]):[0-9]{{1,5}}\z"), AfterValidator(_endpoint)
]
PublicKey = Annotated[str, AfterValidator(_key)]
InterfaceAddress = Annotated[str, AfterValidator(_interface)]
ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\z")]
Pem = Annotated[str, StringConstraints(max_length=32_000), AfterValidator(lambda text: read_certificate(text).pem)]
UserName = Annotated[Line, StringConstraints(min_length=1, max_length=200)]


class Peer(Frozen):
    """The other end of a WireGuard tunnel."""

    model_config = ConfigDict(alias_generator=to_camel)

    public_key: PublicKey
    endpoint: Endpoint | None = None
    allowed: Annotated[Networks, Field(strict=False, min_length=1, max_length=200)]
    preshared_key: SecretRef | None = None
    keepalive: Annotated[int, Field(ge=0, le=65_535)] | None = None


class Profile(Frozen):
    """The fields of every type; which of them a type takes is checked."""

    model_config = ConfigDict(alias_generator=to_camel)

    name: ProfileName
    type: Literal["l2tp", "openvpn", "wireguard"]
    driver: DriverName | None = None    # None: what the machine has
    server: Server | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] = 1194
    transport: Literal["udp", "tcp"] = "udp"
    split_tunnel: bool = True
    routes: Annotated[Networks, Field(strict=False, max_length=200)] = ()
    dns: Annotated[tuple[Address, ...], Field(strict=False, max_length=8)] = ()
    dns_search: Annotated[tuple[HostName, ...], Field(strict=False, max_length=16)] = ()
    authentication: Literal["chap", "mschapv2"] = "mschapv2"
    user: UserName | None = None
    password: SecretRef | None = None
    psk: SecretRef | None = None
    ca: Pem | None = None
    certificate: Pem | None = None
    key: SecretRef | None = None
    addresses: Annotated[tuple[InterfaceAddress, ...], Field(strict=False, max_length=8)] = ()
    peers: Annotated[tuple[Peer, ...], Field(strict=False, max_length=100)] = ()
    all_users: bool = True
    pre_login: bool = False
    rotation: Annotated[int, Field(ge=1)] = 1
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _fits_its_type(self) -> Profile:
        if self.ensure == "absent":
            return self
        needed: dict[str, tuple[str, ...]] = {
            "l2tp": ("server", "user", "password", "psk"), "openvpn": ("server", "ca"),
            "wireguard": ("key", "addresses", "peers"),
        }
        for field in needed[self.type]:
            if not getattr(self, field):
                raise wrong(f"a profile of type {self.type} needs `{field}`")
        allowed = {network for peer in self.peers for network in peer.allowed}
        if self.type == "wireguard" and self.routes:
            raise wrong("the routes of WireGuard are what its peers are `allowed`", hint="leave out `routes`")
        if self.type == "wireguard" and self.split_tunnel == bool(allowed & EVERYWHERE):
            raise wrong("splitTunnel and the peers' `allowed` contradict each other",
                        hint="a whole tunnel has a peer that is allowed 0.0.0.0/0; a split one has none")
        if self.type == "openvpn" and (self.certificate is None) != (self.key is None):
            raise wrong("certificate and key go together")
        if self.type == "openvpn" and self.certificate is None and (self.user is None or self.password is None):
            raise wrong("OpenVPN needs `user` and `password`, or `certificate` and `key`")
        if not self.all_users and self.pre_login:
            raise wrong("what connects before anybody signs in is for all users", hint="leave out `allUsers: false`")
        return self


async def secrets_of(profile: Profile, host: Host) -> dict[str, str]:
    """The values of the profile's secrets by field; a peer's by its public key. CannotLook when one is missing.

    A private key in PEM is not among them: it is a file, and not one line.
    """
    if profile.ensure == "absent":
        return {}
    named = {"password": profile.password, "psk": profile.psk}
    if profile.type == "wireguard":
        named["key"] = profile.key
    named |= {peer.public_key: peer.preshared_key for peer in profile.peers}
    return {field: await reference.value(host) for field, reference in named.items() if reference is not None}
