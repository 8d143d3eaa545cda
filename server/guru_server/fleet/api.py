"""The fleet's part of the API: list, show, label, revoke. What others know of a device is handed in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, Refused
from guru_policy.selector import parse
from guru_server.api.late import late_router
from guru_server.audit.log import Deed, append, record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.cursors import Paged, Paging
from guru_server.fleet import changing, finding
from guru_server.fleet.reading import Known, known, resolve
from guru_server.fleet.state import standing
from guru_server.identity.signing_in import whence
from guru_server.rights.asking import Asking, Sight, ruled
from guru_server.rights.declaring import needs
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.operator import (
    CheckCounts,
    Condition,
    DeviceDetail,
    DeviceFacts,
    DeviceRow,
    LabelChange,
    LabelsChanged,
    Page,
    RefusalRow,
    SyncState,
)
from guru_wire.overriding import OverrideRow
from guru_wire.uplink import CheckResult


class Looks(NamedTuple):
    """What other subjects know of one device; each is called in the fleet's own read."""

    checks: Callable[[Connection, str, str], tuple[CheckResult, ...]]
    metrics: Callable[[Connection, str, str], dict[str, float]]
    conditions: Callable[[Connection, str, str, int], Sequence[Condition]]      # at a time, ms UTC
    refusals: Callable[[Connection, str, str], tuple[RefusalRow, ...]]
    overrides: Callable[[Connection, str, str, int], Sequence[OverrideRow]]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the fleet's routes work with."""

    db: Database
    bus: Bus
    clock: Clock
    git_labels: finding.GitLabels
    counts: finding.Counts
    looks: Looks


def router(fleet: Fleet) -> APIRouter:
    """The routes; a {ref} may hold slashes, so what follows it is matched first."""
    router = late_router(tags=["devices"])
    _route_many(router, fleet)

    @router.get("/devices/{ref:path}/facts")
    @needs("device.read", of="devices")
    async def facts(ref: str, rights: Asking) -> DeviceFacts | DeviceDetail:
        """What the agent says of its machine."""
        if ref.count("/") == 1:             # customer/site and a device of the name `facts`
            return await show(f"{ref}/facts", rights)
        sight = await rights.sight("device.read")
        found = await fleet.db.read(
            lambda connection: known(connection, whose(connection), resolve(connection, whose(connection), ref, sight))
        )
        return DeviceFacts(device=found.device.id, at=found.facts_at, facts=dict(found.device.facts))

    @router.get("/devices/{ref:path}")
    @needs("device.read", of="devices")
    async def show(ref: str, rights: Asking) -> DeviceDetail:
        """One device with its state, checks, newest sample and services."""
        now, labels, sight = fleet.clock(), await fleet.git_labels(), await rights.sight("device.read")
        return await fleet.db.read(
            lambda connection: _detail(
                fleet, connection, resolve(connection, whose(connection), ref, sight), labels, now)
        )

    @router.delete("/devices/{ref:path}")
    @needs("device.revoke", of="devices")
    async def revoke(ref: str, rights: Asking, request: Request) -> DeviceDetail:
        """Take a device out of the fleet: its link is cut and its key is worth nothing from now on."""
        now, labels = fleet.clock(), await fleet.git_labels()
        reading, revoking = await rights.sight("device.read"), await rights.sight("device.revoke")

        def work(connection: Connection) -> DeviceDetail:
            device_id = resolve(connection, whose(connection), ref, reading)
            about = f"device:{device_id}"
            one = known(connection, whose(connection), device_id).device
            revoking.require(None, [one], about)
            detail = _detail(fleet, connection, device_id, labels, now)
            changing.revoke(connection, whose(connection), detail.id, now)
            decision = revoking.require(connection, [one], about)
            record(connection, now, rights.actor, "DeviceRevoked", about, detail.name,
                   device=detail.id, customer=detail.customer, **ruled(decision), **whence(request))
            return detail

        detail = await fleet.db.write(work)
        await fleet.bus.publish("revoked", {detail.id})
        await fleet.bus.publish("inventory", {detail.id})
        return detail

    return router


def _route_many(router: APIRouter, fleet: Fleet) -> None:
    """The routes about several devices at once."""

    @router.get("/devices", response_model=Page[DeviceRow])
    @needs("device.read", of="devices")
    async def devices(
        rights: Asking,
        paging: Paged,
        selector: Annotated[str, Query(max_length=2000)] = "",
        state: SyncState | None = None,
        limit: Annotated[int, Query(ge=1, le=finding.MOST)] = 500,
    ) -> Response:
        """The devices that match, by customer, site and name."""
        wish = finding.Wish(parse(selector) if selector.strip() else None, state, limit, _place(paging))
        now, labels, sight = fleet.clock(), await fleet.git_labels(), await rights.sight("device.read")
        body = await fleet.db.read(
            lambda connection: _page(finding.find(
                connection, whose(connection), wish, now=now, labels=labels, counts=fleet.counts, sight=sight
            ), paging)
        )
        return Response(body, media_type="application/json")

    @router.post("/devices/labels")
    @needs("device.label", of="devices")
    async def label(change: LabelChange, rights: Asking, request: Request) -> LabelsChanged:
        """Set and remove op/ labels of every device that the selector matches: of all of them, or of none."""
        if not change.selector.strip():
            raise InputInvalid("a label change needs a selector", hint="name the devices, as in name=web1")
        now, labels = fleet.clock(), await fleet.git_labels()
        sights = _Labelling(
            await rights.sight("device.read"), await rights.sight("device.label"), await rights.sight("user.manage")
        )
        told = Deed(rights.actor, "LabelsChanged", "", **whence(request))
        changed = await fleet.db.write(lambda connection: _label(connection, change, labels, sights, told, now))
        await fleet.bus.publish("inventory", changed)
        return LabelsChanged(devices=tuple(changed))


def _place(paging: Paging) -> finding.Order | None:
    last = paging.after(str, str, str, str)
    return finding.Order._make(map(str, last)) if last else None


def _page(found: finding.Found, paging: Paging) -> bytes:
    cursor = paging.cursor(found.next) if found.next else None
    page = {"apiVersion": "guru/v1", "items": found.items, "total": found.total, "next": cursor}
    return orjson.dumps(page)


class _Labelling(NamedTuple):
    """Through whose eyes a label change looks."""

    reading: Sight
    labelling: Sight
    managing: Sight


def _label(
    connection: Connection, change: LabelChange, labels: finding.Labels, sights: _Labelling, told: Deed, now: int
) -> list[str]:
    """Change them. A label by which a Role chooses devices would change rights: that takes user.manage too."""
    devices = finding.matching(connection, whose(connection), parse(change.selector), labels, sights.reading)
    if len(devices) > change.max_devices:
        raise Refused(
            f"the selector matches {len(devices)} devices and {change.max_devices} are allowed",
            hint=f"look at them first, then allow them: --max-devices {len(devices)}",
        )
    if not devices:
        return []
    removed = [f"-{key}" for key in change.remove]
    said = ", ".join([f"{key}={value}" for key, value in change.set.items()] + removed)
    asked = [(sights.labelling, said)]
    if sights.labelling.book.deciding_labels().intersection([*change.set, *change.remove]):
        asked.append((sights.managing, f"{said}, by which a role decides"))
    for sight, about in asked:
        sight.require(None, devices, about)
    ids = [one.id for one in devices]
    changed = changing.set_labels(connection, whose(connection), ids, change.set, change.remove)
    places = {one.id: one.place.customer for one in devices}
    decision = next(sight.require(connection, devices, about) for sight, about in asked)
    told = told._replace(result=said, **ruled(decision))
    append(connection, now, (
        told._replace(about=f"device:{one}", device=one, customer=places[one]) for one in changed
    ))
    return changed


def _detail(
    fleet: Fleet, connection: Connection, device_id: str, labels: finding.Labels, now: int
) -> DeviceDetail:
    one: Known = known(connection, whose(connection), device_id)
    stands = standing(one.signs, now)
    place = one.device.place
    return DeviceDetail(
        id=one.device.id, name=one.device.name, customer=place.customer, site=place.site,
        online=stands.online, last_seen=one.signs.last_seen, state=stands.state, since=stands.since,
        desired_revision=one.desired_revision, applied_revision=one.applied_revision,
        os=str(one.device.facts.get("os", "")), agent_version=one.agent_version,
        checks=CheckCounts(**fleet.counts(connection, whose(connection), [device_id]).get(device_id, {})),
        labels=dict(labels(one.device)),
        enrolled_at=one.enrolled_at, serial=one.signs.desired_serial,
        public_key=base64.b64encode(one.public_key).decode(),
        conditions=tuple(fleet.looks.conditions(connection, whose(connection), device_id, now)), run=one.run,
        check_results=fleet.looks.checks(connection, whose(connection), device_id),
        metrics=fleet.looks.metrics(connection, whose(connection), device_id), services=one.services,
        refusals=fleet.looks.refusals(connection, whose(connection), device_id),
        overrides=tuple(fleet.looks.overrides(connection, whose(connection), device_id, now)),
        held=one.held, held_why=one.held_why, key_at=one.key_at, withheld=one.withheld,
    )
