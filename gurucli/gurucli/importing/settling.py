"""Drafts made sure of: what the language refuses is taken out and named, until the rest is valid. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from guru_policy.compiling import Effective, compile_customer
from guru_policy.errors import GuruError
from guru_policy.faults import Fault
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Place
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from gurucli.importing.drafts import Draft, Drafts
from gurucli.importing.suspecting import secret_in

ROUNDS = 50
SECTIONS = ("checks", "resources")
FLEET = "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: fleet}\n"
ROLES = ("server", "workstation", "")
SYSTEMS = ("linux", "windows", "macos")


def settle(drafts: Drafts) -> dict[str, bytes]:
    """The files of what is valid; every fault takes out its object, or the one item of a Policy that has it."""
    _once(drafts)
    for _ in range(ROUNDS):
        files = drafts.files()
        fleet = load(MemoryTree({"fleet.yaml": FLEET, **files}))
        faults = [fault for fault in fleet.faults if fault.severity == "error"] or list(_of_devices(fleet))
        if not faults:
            return files
        _take_out(faults, drafts)
    raise GuruError("the import does not come to an end", hint="this is a defect of guru: please report it")


def _once(drafts: Drafts) -> None:
    """One object a file; a later one of the same place is left."""
    seen: set[str] = set()
    kept: list[Draft] = []
    for draft in drafts.objects:
        if draft.path in seen:
            drafts.leave(draft.source, f"{draft.kind} {draft.name}", "another object has its place already")
        else:
            seen.add(draft.path)
            kept.append(draft)
    drafts.objects[:] = kept


def _of_devices(fleet: Fleet) -> Iterable[Fault]:
    """Faults of devices that may be there: two policies that disagree are seen only so."""
    found: dict[Fault, None] = {}
    sources = Sources(fleet, fleet)
    digests = dict.fromkeys(fleet.asset_entries(), "0" * 64)
    for customer in fleet.customers():
        devices = [
            Device(f"{number:032x}", f"device-{number}", Place(customer, site), {"os": system},
                   {"role": role} if role else {})
            for number, (site, system, role) in enumerate(
                (site, system, role) for site in fleet.sites(customer) for system in SYSTEMS for role in ROLES)
        ]
        for assigned in compile_customer(sources, customer, devices, digests).assigned.values():
            if not isinstance(assigned, Effective):
                found |= dict.fromkeys(assigned)
    return found


def _take_out(faults: Iterable[Fault], drafts: Drafts) -> None:
    by_path: dict[str, Fault] = {}
    for fault in faults:
        by_path.setdefault(fault.origin.path, fault)
    known = {draft.path for draft in drafts.objects} | {asset.path for asset in drafts.assets}
    if not known & by_path.keys():
        raise GuruError(f"the import makes a fault that is none of its files': {next(iter(by_path.values()))}",
                        hint="this is a defect of guru: please report it")
    kept: list[Draft] = []
    for draft in drafts.objects:
        if draft.path not in by_path:
            kept.append(draft)
        elif (lesser := _lesser(draft, drafts)) is not None:
            kept.append(lesser)
        else:
            drafts.leave(draft.source, f"{draft.kind} {draft.name}", _told(by_path[draft.path]))
    drafts.objects[:] = kept
    for asset in [asset for asset in drafts.assets if asset.path in by_path]:
        drafts.leave(asset.source, asset.path, _told(by_path[asset.path]))
        drafts.assets.remove(asset)
    carried = {str(draft.spec.get("source")) for draft in drafts.objects}
    drafts.assets[:] = [asset for asset in drafts.assets if asset.path in carried]


def _lesser(draft: Draft, drafts: Drafts) -> Draft | None:
    """A Policy without its items that are at fault by themselves; None when that mends nothing."""
    spec = dict(draft.spec)
    bad: list[str] = []
    for section in SECTIONS:
        items = spec.get(section)
        if draft.kind != "Policy" or not isinstance(items, dict):
            continue
        for name, item in items.items():
            alone = draft._replace(spec={section: {name: item}})
            faults = [fault for fault in load(MemoryTree(Drafts(objects=[alone]).files())).faults
                      if fault.origin.path == draft.path]
            if faults:
                bad.append(f"{section}.{name}")
                drafts.leave(draft.source, f"{section}.{name} of {draft.name}", _told(faults[0]))
        spec[section] = {name: item for name, item in items.items() if f"{section}.{name}" not in bad}
    if not bad or not any(spec.get(section) for section in SECTIONS):
        return None
    enforced = spec.get("enforced")
    if isinstance(enforced, list):
        spec["enforced"] = [path for path in enforced if path not in bad]
    return draft._replace(spec=spec)


def _told(fault: Fault) -> str:
    """The fault's message, unless it would repeat a secret."""
    return "secret: it holds what looks like one" if secret_in(fault.message) else fault.message
