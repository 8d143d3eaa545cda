"""What Git says of devices that want to join: who waits, who need not, who is refused. It lets nobody in itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from guru_policy.host import Platform
from guru_policy.model import Frozen, wrong
from guru_policy.quantities import shape, shown

MOST_RULES, MOST_ADDRESSES = 32, 64


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as cause:
        raise wrong(f"{shown(text)} is no address and no network", hint="such as 203.0.113.0/24") from cause


NetworkText = Annotated[str, StringConstraints(max_length=50), AfterValidator(_network), shape("address or network")]


class Applicant(NamedTuple):
    """A device that wants to join. Its address is seen; its system, and that its key is sealed, are its own word."""

    address: str
    os: str
    sealed: bool


class AdmitRule(Frozen):
    """Who fits everything that it names need not wait for somebody's approval."""

    model_config = ConfigDict(alias_generator=to_camel)

    addresses: Annotated[tuple[NetworkText, ...], Field(strict=False, max_length=MOST_ADDRESSES)] = Field(
        default=(), description="where it comes from: addresses or networks, as the server sees them")
    os: Annotated[tuple[Platform, ...], Field(strict=False, max_length=3)] = Field(
        default=(), description="its operating system, as it says")
    sealed_key: bool = Field(default=False, description="whether a TPM seals its key, as it says")

    @model_validator(mode="after")
    def _names_something(self) -> AdmitRule:
        if not (self.addresses or self.os or self.sealed_key):
            raise wrong("a rule that names nothing would let in everybody", hint="name addresses, os or sealedKey")
        return self

    def fits(self, one: Applicant) -> bool:
        """Whether it is one of those that the rule lets in."""
        if self.addresses and not inside(one.address, self.addresses):
            return False
        return (not self.os or one.os in self.os) and (one.sealed or not self.sealed_key)


class Enrolment(Frozen):
    """How devices of a place join. What it asks for is asked for besides what a token asks for."""

    model_config = ConfigDict(alias_generator=to_camel)

    wait: Literal["token", "everybody"] = Field(
        default="token", description="who waits for approval: `everybody`, or whom the enrolment token says")
    sealed_key: bool = Field(
        default=False, description="refuse a device that does not say that a TPM seals its key")
    admit: Annotated[tuple[AdmitRule, ...], Field(strict=False, max_length=MOST_RULES)] = Field(
        default=(), description="who fits one of these does not wait for approval; whoever looks odd still does")


class Admission(NamedTuple):
    """What Git asks of a newcomer. `admitted_by` is the place whose rule lets it in without approval; empty: none."""

    wait: bool = False
    sealed: bool = False
    admitted_by: str = ""


def admission(found: Iterable[tuple[str, Enrolment | None]], one: Applicant) -> Admission:
    """What is asked of it, by what is said of its site, its customer and the fleet, nearest first, each with its name.

    What any of them asks for is asked for; of rules that let in, those of the nearest that has any count.
    """
    said = [(name, spec) for name, spec in found if spec is not None]
    name, rules = next(((name, spec.admit) for name, spec in said if spec.admit), ("", ()))
    fitting = next((number for number, rule in enumerate(rules) if rule.fits(one)), None)
    return Admission(
        wait=any(spec.wait == "everybody" for _, spec in said), sealed=any(spec.sealed_key for _, spec in said),
        admitted_by="" if fitting is None else f"{name}: enrolment.admit[{fitting}]",
    )


def inside(peer: str, networks: Iterable[str]) -> bool:
    """Whether the address is in one of the networks; one that is no address is in none."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    plainly = getattr(address, "ipv4_mapped", None) or address
    return any(plainly in ipaddress.ip_network(one) for one in networks)
