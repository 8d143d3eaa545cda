"""Manifests for the devices whose bundle changed, signed by the signer. It stores nothing and sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from guru_policy.bundle import heartbeat_of
from guru_policy.compiling import Compiled, Effective
from guru_policy.inventory import Device
from guru_server.gateway.plain import plain
from guru_server.overrides.store import Place
from guru_server.reconcile.lines import dumped, lines_of
from guru_server.reconcile.store import Change, InForce, ManifestRow
from guru_server.secrets.store import Seal
from guru_server.signer.asking import Signatures
from guru_wire.manifest import MANIFEST_LIFE_MS, Manifest


class Issuer:
    """Has the server's state key sign."""

    def __init__(self, tenant: str, signer: Signatures) -> None:
        self._tenant, self._signer = tenant, signer

    @property
    def key(self) -> str:
        """key_id() of the state key."""
        return self._signer.id_of("state", self._tenant)

    def changes(
        self, compiled: dict[str, tuple[str, Compiled]], before: InForce, devices: dict[str, Device],
        seals: Mapping[str, Seal], now: int,
    ) -> Change:
        """What to store for these results by customer, each with the revision that the manifests name.

        `seals` is by device: its secrets, sealed.
        """
        bundles: dict[str, bytes] = {}
        heartbeats: dict[str, int] = {}
        faulty: dict[str, str] = {}
        healed: list[str] = []
        new: list[tuple[Manifest, int]] = []
        for revision, result in compiled.values():
            for device, assignment in result.assigned.items():
                if not isinstance(assignment, Effective):
                    lines = dumped(lines_of(assignment))
                    if before.faults.get(device) != lines:
                        faulty[device] = lines
                    continue
                if device in before.faults:
                    healed.append(device)
                issued = before.issued.get(device)
                sealed = seals[device].digest if device in seals else ""
                same = issued is not None and (issued.bundle, issued.sealed) == (assignment.bundle, sealed)
                if device not in devices or (same and device not in before.ahead):
                    continue
                newest = max(issued.serial if issued is not None else 0, before.ahead.get(device, 0))
                if assignment.bundle not in bundles:
                    bundles[assignment.bundle] = result.bundles[assignment.bundle]
                    heartbeats[assignment.bundle] = heartbeat_of(bundles[assignment.bundle])
                manifest = Manifest(
                    device=device,
                    serial=newest + 1,
                    revision=revision,
                    bundle=assignment.bundle,
                    blobs=tuple(sorted(assignment.blobs)),
                    issued_at=now,
                    expires_at=now + MANIFEST_LIFE_MS,
                    sealed=sealed,
                )
                new.append((manifest, heartbeats[assignment.bundle]))
        manifests = self.issue(new)
        anew = {row.device: seals[row.device] for row in manifests if row.device in seals}
        unfit = _unfit(compiled, before, devices)
        return Change(manifests=manifests, bundles=bundles, seals=anew, faulty=faulty, healed=healed, unfit=unfit)

    def issue(self, new: Sequence[tuple[Manifest, int]]) -> list[ManifestRow]:
        """Manifests with the heartbeats of their bundles, signed, as rows. Braked or SignerAway: then none is."""
        if not new:
            return []
        with self._signer.manifests(self._tenant) as sending:
            for manifest, _ in new:
                sending.add(manifest)
            signed = sending.signed()
        return [
            self._row(manifest, heartbeat, text) for (manifest, heartbeat), text in zip(new, signed, strict=True)
        ]

    def _row(self, manifest: Manifest, heartbeat: int, signed: str) -> ManifestRow:
        return ManifestRow(
            tenant=self._tenant,
            device=manifest.device,
            serial=manifest.serial,
            revision=manifest.revision,
            bundle=manifest.bundle,
            blobs=orjson.dumps(manifest.blobs).decode(),
            signed=signed,
            issued_at=manifest.issued_at,
            expires_at=manifest.expires_at,
            heartbeat=heartbeat,
            sealed=manifest.sealed,
        )


def _unfit(
    compiled: dict[str, tuple[str, Compiled]], before: InForce, devices: dict[str, Device]
) -> dict[Place, str]:
    """Why devices go without overrides, where that is news."""
    found: dict[Place, str] = {}
    for _, result in compiled.values():
        for name in result.assigned:
            why = {one.path: plain(one.why, 500) for one in result.unfit.get(name, ())}
            for override in devices[name].overrides if name in devices else ():
                place = Place(override.id, name, override.path)
                reason = why.get(override.path, "")
                if before.unfit.get(place, "") != reason:
                    found[place] = reason
    return found
