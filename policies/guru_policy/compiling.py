"""A customer's policies and devices to bundles: a pure function. The same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

from guru_policy.applying import Applying
from guru_policy.bundle import Bundle, Mode, PlacedWindow, digest_of
from guru_policy.conditions import Subject
from guru_policy.errors import InputInvalid
from guru_policy.faults import Fault, Origin
from guru_policy.fleet import Sources
from guru_policy.host import PLATFORMS
from guru_policy.inventory import Device
from guru_policy.kinds.customer import Customer
from guru_policy.layering import Layer, Resolved, Resolver, missed_faults
from guru_policy.objects.scopes import owner_of
from guru_policy.quantities import shown
from guru_policy.remembering import Input, Results, digest_of_devices
from guru_policy.rendering import Renderer
from guru_policy.windowing import Window, Windows


class Effective(NamedTuple):
    """What a device should be: the digest of its bundle, and of the files that bundle refers to."""

    bundle: str
    blobs: tuple[str, ...]


Assignment: TypeAlias = Effective | tuple[Fault, ...]


class _Known(NamedTuple):
    """What some layers make, and the bytes of that bundle."""

    assignment: Assignment
    resolved: Resolved
    data: bytes


@dataclass(frozen=True)
class Compiled:
    """Bundles by digest, for every device its bundle or its faults, and what they were made from."""

    bundles: Mapping[str, bytes]
    assigned: Mapping[str, Assignment]
    sources: Sources
    warnings: tuple[Fault, ...] = ()


class _Made(NamedTuple):
    """What a Compiled holds that depends on no revision."""

    bundles: Mapping[str, bytes]
    assigned: Mapping[str, Assignment]
    warnings: tuple[Fault, ...]

    def of(self, sources: Sources) -> Compiled:
        """The same, made from these sources."""
        return Compiled(self.bundles, self.assigned, sources, self.warnings)


def compile_customer(
    sources: Sources, customer: str, devices: Sequence[Device], digests: Mapping[str, str]
) -> Compiled:
    """What each of the customer's devices should be. `digests` is path to SHA-256 of the files carried.

    Raises InputInvalid for a device of another customer; everything else is in the result.
    """
    results = _results(sources)
    asked = Input(
        sources.org.owned_by(None), sources.customer.owned_by(customer), digest_of_devices(devices), dict(digests)
    )
    known = results.get(customer, asked)
    if known is not None:
        return known.of(sources)
    compiler = Compiler(sources, customer, digests)
    assigned: dict[str, Assignment] = {}
    for device in sorted(devices, key=lambda device: device.id):
        assigned[device.id] = compiler.assign(device)
    made = _Made(dict(sorted(compiler.bundles.items())), assigned, missed_faults(compiler.resolved))
    results.keep(customer, asked, made)
    return made.of(sources)


def _results(sources: Sources) -> Results[_Made]:
    """What was compiled before, of revisions that were read through the same cache."""
    known = sources.customer.shared.setdefault("compiled", Results[_Made]())
    return cast("Results[_Made]", known)


class Compiler:
    """Compiles for one customer; devices under the same layers share one bundle."""

    def __init__(self, sources: Sources, customer: str, digests: Mapping[str, str]) -> None:
        self._sources = sources
        self._customer = customer
        self._applying = Applying(sources)
        self._resolver = Resolver(self._applying.common.resolver)
        found = sources.customer.customer(customer)
        mode: Mode | None = found.spec.mode if found and isinstance(found.spec, Customer) else None
        own = {path: digest for path, digest in digests.items() if owner_of(path) in (None, customer)}
        # a layer may name any path: never another's file
        self._renderer = Renderer(own, mode or "enforce", self._applying.common.read)
        self._windows = Windows(sources, customer)
        self._known: dict[tuple[Layer, ...], _Known] = {}
        self._windowed: dict[tuple[tuple[Layer, ...], tuple[PlacedWindow, ...]], _Known] = {}
        self._unserved: dict[tuple[tuple[Layer, ...], object], tuple[Fault, ...]] = {}
        self.bundles: dict[str, bytes] = {}

    @property
    def resolved(self) -> list[Resolved]:
        """Every merged tree so far."""
        return [known.resolved for known in self._known.values()]

    def assign(self, device: Device) -> Assignment:
        """The device's bundle or its faults."""
        if device.place.customer != self._customer:
            owner = device.place.customer
            raise InputInvalid(f"device {device.name} belongs to {owner}, not to {self._customer}")
        unplaced = self._unplaced(device)
        if unplaced is not None:
            return (unplaced,)
        layers = self._applying.layers(device)
        known = self._with_windows(layers, device)
        faults = () if isinstance(known.assignment, Effective) else known.assignment
        faults += self._not_served(layers, known.resolved, device.facts.get("os"))
        if faults or not isinstance(known.assignment, Effective):
            return tuple(sorted(faults))
        self.bundles[known.assignment.bundle] = known.data
        return known.assignment

    def resolve(self, device: Device) -> Resolved:
        """The merged tree of the device."""
        return self._resolve(self._applying.layers(device)).resolved

    def layers(self, device: Device) -> tuple[Layer, ...]:
        """The layers that apply to the device, lowest first."""
        return self._applying.layers(device)

    def subject(self, device: Device) -> Subject:
        """What selectors see of the device, its groups among it."""
        return self._applying.subject(device)

    def bundle(self, device: Device) -> Bundle | None:
        """The device's bundle; None when it has faults."""
        bundle = self._renderer.render(self.resolve(device).table)[0]
        placed = self._placed(device)
        return bundle.model_copy(update={"windows": placed}) if bundle is not None and placed else bundle

    def windows(self, device: Device) -> tuple[Window, ...]:
        """The maintenance windows that are about the device."""
        return self._windows.of(self.subject(device)) if self._windows.exist else ()

    def _placed(self, device: Device) -> tuple[PlacedWindow, ...]:
        return self._windows.placed(self.subject(device)) if self._windows.block else ()

    def _with_windows(self, layers: tuple[Layer, ...], device: Device) -> _Known:
        """What the layers make, with the windows of this device: devices of the same ones share a bundle."""
        plain = self._resolve(layers)
        placed = self._placed(device)
        if not placed or not isinstance(plain.assignment, Effective):
            return plain
        known = self._windowed.get((layers, placed))
        if known is None:
            bundle = Bundle.model_validate_json(plain.data).model_copy(update={"windows": placed})
            data = bundle.to_bytes()
            assignment = Effective(digest_of(data), plain.assignment.blobs)
            known = self._windowed[layers, placed] = _Known(assignment, plain.resolved, data)
        return known

    def _not_served(
        self, layers: tuple[Layer, ...], resolved: Resolved, platform: object
    ) -> tuple[Fault, ...]:
        """Resources that are not there on what the device says it runs on; nothing of a platform unheard of."""
        if platform not in PLATFORMS:
            return ()
        known = self._unserved.get((layers, platform))
        if known is None:
            known = self._renderer.unserved(resolved.table, str(platform))
            self._unserved[layers, platform] = known
        return known

    def _resolve(self, layers: tuple[Layer, ...]) -> _Known:
        known = self._known.get(layers)
        if known is None:
            resolved = self._resolver.resolve(layers)
            bundle, faults = self._renderer.render(resolved.table)
            assignment: Assignment = tuple(sorted({*resolved.faults, *faults}))
            data = b""
            if bundle is not None and not assignment:
                data = bundle.to_bytes()
                assignment = Effective(digest_of(data), bundle.blobs)
            known = self._known[layers] = _Known(assignment, resolved, data)
        return known

    def _unplaced(self, device: Device) -> Fault | None:
        """The fault of a device whose customer or site is not in the repository."""
        customer, site = device.place
        if self._sources.customer.customer(customer) is None:
            message = f"there is no Customer object {shown(customer)}, and it has devices"
            return Fault(Origin(f"customers/{customer}"), message)
        if self._sources.customer.site(customer, site) is None:
            folder = f"customers/{customer}/sites/{site}"
            return Fault(Origin(folder), f"there is no Site object {shown(site)}, and it has devices")
        return None


__all__ = ["Assignment", "Compiled", "Compiler", "Effective", "Sources", "compile_customer"]
