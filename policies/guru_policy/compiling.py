"""A customer's policies and devices to bundles: a pure function. The same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, cast

from guru_policy.applying import Applying, Reach
from guru_policy.bundle import Bundle, Mode, PlacedQuery, PlacedSchedule, PlacedWindow, digest_of
from guru_policy.conditions import Subject
from guru_policy.enforcing import lock_faults
from guru_policy.errors import InputInvalid
from guru_policy.faults import Fault, Origin
from guru_policy.fleet import Sources
from guru_policy.host import PLATFORMS
from guru_policy.inventory import Device, Override
from guru_policy.kinds.customer import Customer
from guru_policy.layering import Layer, Resolved, Resolver, missed_faults
from guru_policy.needing import Needed, Opened, Secrets
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import owner_of
from guru_policy.overriding import Overlays
from guru_policy.quantities import shown
from guru_policy.reaching import Alike, alike
from guru_policy.remembering import Input, Results, digest_of_devices
from guru_policy.rendering import Renderer
from guru_policy.scheduling import Schedules
from guru_policy.standing import Queries
from guru_policy.tracing import Standing
from guru_policy.windowing import Window, Windows


class Effective(NamedTuple):
    """What a device should be: the digest of its bundle, of the files and the secrets that bundle refers to."""

    bundle: str
    blobs: tuple[str, ...]
    secrets: tuple[Needed, ...] = ()


Assignment: TypeAlias = Effective | tuple[Fault, ...]


class Unfit(NamedTuple):
    """An override's path that does not fit what policies say, so that the device goes without it.

    `locked`: a policy enforces what it would change.
    """

    path: str
    fault: Fault
    locked: bool = False

    @property
    def why(self) -> str:
        """One sentence."""
        return f"{self.fault.origin}: {self.fault.message}" if self.fault.origin.path else self.fault.message


class _Fitted(NamedTuple):
    """The layers of a device, its overrides that fit among them, and those that do not."""

    layers: tuple[Layer, ...]
    unfit: tuple[Unfit, ...] = ()


class _Timed(NamedTuple):
    """What a device's bundle has of times: windows, schedules and queries, secrets and blobs of these, and faults."""

    windows: tuple[PlacedWindow, ...] = ()
    schedules: tuple[PlacedSchedule, ...] = ()
    queries: tuple[PlacedQuery, ...] = ()
    secrets: frozenset[str] = frozenset()
    blobs: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()


_UNTIMED = _Timed()


class _Known(NamedTuple):
    """What some layers make, and the bytes of that bundle."""

    assignment: Assignment
    resolved: Resolved
    data: bytes


@dataclass(frozen=True)
class Compiled:
    """Bundles by digest, for every device its bundle or its faults and its groups, and what they were made from.

    `unfit` names the devices that go without an override, because it does not fit what policies say.
    """

    bundles: Mapping[str, bytes]
    assigned: Mapping[str, Assignment]
    groups: Mapping[str, frozenset[str]]
    sources: Sources
    warnings: tuple[Fault, ...] = ()
    unfit: Mapping[str, tuple[Unfit, ...]] = field(default_factory=dict)


class _Made(NamedTuple):
    """What a Compiled holds that depends on no revision."""

    bundles: Mapping[str, bytes]
    assigned: Mapping[str, Assignment]
    groups: Mapping[str, frozenset[str]]
    warnings: tuple[Fault, ...]
    unfit: Mapping[str, tuple[Unfit, ...]]

    def of(self, sources: Sources) -> Compiled:
        """The same, made from these sources."""
        return Compiled(self.bundles, self.assigned, self.groups, sources, self.warnings, self.unfit)


def compile_customer(
    sources: Sources, customer: str, devices: Sequence[Device], digests: Mapping[str, str],
    opened: Mapping[Key, Opened] | None = None,
) -> Compiled:
    """What each of the customer's devices should be. `digests` is path to SHA-256 of the files carried, `opened` what
    is known of the values of Secrets; None when nobody could look into any.

    Raises InputInvalid for a device of another customer; everything else is in the result.
    """
    for device in devices:
        _refuse_strange(device, customer)
    results, seen = _results(sources), digest_of_devices(devices)
    asked = Input(
        sources.org.owned_by(None), sources.customer.owned_by(customer), seen, dict(digests),
        None if opened is None else dict(opened),
    )
    known = results.get(customer, asked)
    if known is not None:
        return known.of(sources)
    compiler = Compiler(sources, customer, digests, opened)
    assigned: dict[str, Assignment] = {}
    groups: dict[str, frozenset[str]] = {}
    unfit: dict[str, tuple[Unfit, ...]] = {}
    apart = [device for device in devices if compiler.apart(device)]
    plain = [device for device in devices if not compiler.apart(device)] if apart else devices
    for some in compiler.alike(plain, digest_of_devices(plain) if apart else seen):
        assigned |= dict.fromkeys(some.devices, compiler.assignment(some.reach, some.platform))
        groups |= dict.fromkeys(some.devices, some.groups)
    for device in apart:
        assigned[device.id], groups[device.id] = compiler.assign(device), compiler.groups(device)
        if found := compiler.unfit(device):
            unfit[device.id] = found
    made = _Made(
        dict(sorted(compiler.bundles.items())), dict(sorted(assigned.items())), groups,
        missed_faults(compiler.resolved), unfit,
    )
    results.keep(customer, asked, made)
    return made.of(sources)


def _results(sources: Sources) -> Results[Input, _Made]:
    """What was compiled before, of revisions that were read through the same cache."""
    known = sources.customer.shared.setdefault("compiled", Results[Input, _Made]())
    return cast("Results[Input, _Made]", known)


class Compiler:
    """Compiles for one customer; devices under the same layers share one bundle."""

    def __init__(
        self, sources: Sources, customer: str, digests: Mapping[str, str],
        opened: Mapping[Key, Opened] | None = None,
    ) -> None:
        self._sources = sources
        self._customer = customer
        self._applying = Applying(sources)
        self._resolver = Resolver(self._applying.common.resolver)
        found = sources.customer.customer(customer)
        mode: Mode | None = found.spec.mode if found and isinstance(found.spec, Customer) else None
        own = {path: digest for path, digest in digests.items() if owner_of(path) in (None, customer)}
        # a layer may name any path: never another's file
        self._secrets = Secrets(sources, customer, opened)
        self._renderer = Renderer(own, mode or "enforce", self._secrets, self._applying.common.read)
        self._windows = Windows(sources, customer)
        self._schedules = Schedules(sources, customer, own)
        self._queries = Queries(sources, customer)
        self._known: dict[tuple[Layer, ...], _Known] = {}
        self._with_times: dict[tuple[tuple[Layer, ...], str], _Known] = {}
        self._unserved: dict[tuple[tuple[Layer, ...], object], tuple[Fault, ...]] = {}
        self._overlays = Overlays()
        self._fits: dict[tuple[tuple[Layer, ...], tuple[Layer, ...], object], _Fitted] = {}
        self.bundles: dict[str, bytes] = {}

    @property
    def resolved(self) -> list[Resolved]:
        """Every merged tree so far."""
        return [known.resolved for known in self._known.values()]

    def alike(self, devices: Sequence[Device], seen: bytes) -> tuple[Alike, ...]:
        """The customer's devices, those that get the same together. `seen` is digest_of_devices()."""
        return alike(self._sources, self._customer, self._applying, devices, seen, self._unplaced)

    def assign(self, device: Device) -> Assignment:
        """The device's bundle or its faults."""
        _refuse_strange(device, self._customer)
        unplaced = self._unplaced(device)
        if unplaced is not None:
            return (unplaced,)
        return self._assignment(self.layers(device), device.facts.get("os"), self._timed(device))

    def groups(self, device: Device) -> frozenset[str]:
        """The groups that the device is in; none without a place in the repository."""
        return frozenset() if self._unplaced(device) is not None else self._applying.subject(device).groups

    def apart(self, device: Device) -> bool:
        """Whether the device's bundle depends on more than its layers and platform."""
        return bool(device.overrides) or self._timing

    def assignment(self, reach: Reach | Fault, platform: object) -> Assignment:
        """The bundle of devices that these layers reach and that are not `apart`, or their faults."""
        return (reach,) if isinstance(reach, Fault) else self._assignment(self._applying.at(reach), platform)

    def _assignment(
        self, layers: tuple[Layer, ...], platform: object, timed: _Timed = _UNTIMED
    ) -> Assignment:
        known, faults = self._with(layers, timed), self._faults(layers, platform)
        if faults:
            return tuple(sorted(faults))
        if not isinstance(known.assignment, Effective):
            return known.assignment
        self.bundles[known.assignment.bundle] = known.data
        return known.assignment

    def resolve(self, device: Device) -> Resolved:
        """The merged tree of the device."""
        return self._resolve(self.layers(device)).resolved

    def layers(self, device: Device) -> tuple[Layer, ...]:
        """The layers that apply to the device, lowest first; its overrides that fit come last."""
        return self._fitted(device).layers

    def unfit(self, device: Device) -> tuple[Unfit, ...]:
        """The device's overrides that do not fit what policies say."""
        return self._fitted(device).unfit

    def fitting(self, device: Device) -> Device:
        """The device with those of its overrides that fit."""
        out = {one.path for one in self.unfit(device)}
        return replace(device, overrides=tuple(one for one in device.overrides if one.path not in out))

    def subject(self, device: Device) -> Subject:
        """What selectors see of the device, its groups among it."""
        return self._applying.subject(device)

    def bundle(self, device: Device) -> Bundle | None:
        """The device's bundle; None when it has faults."""
        known = self._with(self.layers(device), self._timed(device))
        return Bundle.model_validate_json(known.data) if isinstance(known.assignment, Effective) else None

    def windows(self, device: Device) -> tuple[Window, ...]:
        """The maintenance windows that are about the device."""
        return self._windows.of(self.subject(device)) if self._windows.exist else ()

    def standing(self, device: Device) -> Standing:
        """The objects that give the device its windows, schedules and queries."""
        found: dict[tuple[str, ...], Object] = {
            ("windows", window.name): window.item for window in self.windows(device) if window.blocks
        }
        if self._schedules.exist:
            scheduled = self._schedules.of(self.subject(device), device.facts.get("os"))
            found |= {("schedules", item.name): item for item in scheduled.items}
        if self._queries.exist:
            found |= {("queries", item.name): item for item in self._queries.of(self.subject(device)).items}
        return found

    def revision_of(self, item: Object) -> str:
        """The revision that an object of the compiler's own sources is read from."""
        sources = self._sources
        return (sources.customer if owner_of(item.path) is not None else sources.org).revision

    @property
    def _timing(self) -> bool:
        return self._windows.block or self._schedules.exist or self._queries.exist

    def _timed(self, device: Device) -> _Timed:
        if not self._timing:
            return _UNTIMED
        subject = self.subject(device)
        windows = self._windows.placed(subject) if self._windows.block else ()
        found = self._schedules.of(subject, device.facts.get("os"))
        asked = self._queries.of(subject)
        return _Timed(
            windows, found.placed, asked.placed, found.secrets, found.blobs, (*found.faults, *asked.faults))

    def _with(self, layers: tuple[Layer, ...], timed: _Timed) -> _Known:
        """What the layers make, with these windows, schedules and queries: devices of the same ones share a bundle."""
        plain = self._resolve(layers)
        if timed == _UNTIMED or not isinstance(plain.assignment, Effective):
            return plain
        named = layers, repr(timed)
        known = self._with_times.get(named)
        if known is None:
            known = self._with_times[named] = self._made(plain, plain.assignment, timed)
        return known

    def _made(self, plain: _Known, before: Effective, timed: _Timed) -> _Known:
        needed, missing = self._secrets.need((*(one.name for one in before.secrets), *timed.secrets))
        if faults := (*timed.faults, *missing):
            return _Known(tuple(sorted(set(faults))), plain.resolved, b"")
        blobs = tuple(sorted({*before.blobs, *timed.blobs}))
        data = Bundle.model_validate_json(plain.data).model_copy(update={
            "windows": timed.windows, "schedules": timed.schedules, "queries": timed.queries, "blobs": blobs,
            "secrets": {one.name: one.fingerprint for one in needed},
        }).to_bytes()
        return _Known(Effective(digest_of(data), blobs, needed), plain.resolved, data)

    def _fitted(self, device: Device) -> _Fitted:
        """All overrides when that gives no fault; else those, one after the other, that bring no new one.

        A person's override of one device never stands in the way of a commit.
        """
        base = self._applying.layers(device)
        if not device.overrides:
            return _Fitted(base)
        platform = device.facts.get("os")
        overlays = self._overlays.layers(device.overrides, self._resolve(base).resolved.table)
        known = self._fits.get((base, overlays, platform))
        if known is None:
            known = _Fitted((*base, *overlays))
            if self._faults(known.layers, platform):
                known = self._one_by_one(base, device.overrides, overlays, platform)
            self._fits[base, overlays, platform] = known
        return known

    def _one_by_one(
        self, kept: tuple[Layer, ...], overrides: Sequence[Override], overlays: Sequence[Layer], platform: object
    ) -> _Fitted:
        unfit: list[Unfit] = []
        for override, layer in zip(overrides, overlays, strict=True):
            before = set(self._faults(kept, platform))
            new = [fault for fault in self._faults((*kept, layer), platform) if fault not in before]
            if not new:
                kept = (*kept, layer)
                continue
            old, tried = self._resolve(kept).resolved, self._resolve((*kept, layer)).resolved
            locks = [fault for fault in lock_faults(old.locks, old.table, tried.table) if fault in new]
            unfit.append(Unfit(override.path, (locks or new)[0], bool(locks)))
        return _Fitted(kept, tuple(unfit))

    def _faults(self, layers: tuple[Layer, ...], platform: object) -> tuple[Fault, ...]:
        """What stands in the way of a bundle for these layers on this platform."""
        known = self._resolve(layers)
        found = () if isinstance(known.assignment, Effective) else known.assignment
        return found + self._not_served(layers, known.resolved, platform)

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
            made = self._renderer.render(resolved.table)
            assignment: Assignment = tuple(sorted({*resolved.faults, *made.faults}))
            data = b""
            if made.bundle is not None and not assignment:
                data = made.bundle.to_bytes()
                assignment = Effective(digest_of(data), made.bundle.blobs, made.secrets)
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


def _refuse_strange(device: Device, customer: str) -> None:
    if device.place.customer != customer:
        raise InputInvalid(f"device {device.name} belongs to {device.place.customer}, not to {customer}")


__all__ = ["Assignment", "Compiled", "Compiler", "Effective", "Sources", "Unfit", "compile_customer"]
