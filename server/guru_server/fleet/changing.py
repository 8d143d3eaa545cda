"""Changes of devices: enrolment, facts, labels, revocation. Each happens inside the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select

from guru_policy.errors import Conflict, InputInvalid
from guru_policy.inventory import Place, Scalar
from guru_server.fleet.holding import bury
from guru_server.fleet.tables import device, device_state
from guru_server.gateway.items import Received
from guru_server.gateway.plain import plain
from guru_wire.admission import Held
from guru_wire.uplink import MAX_FACTS, Facts

HEARTBEAT = 60                          # seconds, until a manifest says otherwise
MAX_LABELS = 64
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._:+-]{0,61}[A-Za-z0-9])?)?")


class Newcomer(NamedTuple):
    """A device that is about to be enrolled. `public_key` is base64 of 32 bytes."""

    id: str
    name: str
    place: Place
    public_key: str
    facts: Mapping[str, Scalar]
    agent_version: str
    enrolled_by: str
    sealing_key: str = ""
    op_labels: Mapping[str, str] = {}
    held: Held = ""
    held_why: str = ""
    hardware: str = ""


def enrol(connection: Connection, tenant: str, one: Newcomer, now: int) -> None:
    """Make the device; InputInvalid for a name that cannot be one, Conflict when its site has it already."""
    if not _NAME.fullmatch(one.name):
        raise InputInvalid(
            f"{plain(one.name, 63)!r} cannot be a device's name",
            hint="letters, digits, dots, dashes and underscores, 63 at most: enrol with --name",
        )
    taken = select(device.c.id).where(
        device.c.tenant == tenant, device.c.customer == one.place.customer, device.c.site == one.place.site,
        device.c.name == one.name, device.c.revoked_at.is_(None),
    )
    if connection.execute(taken).first() is not None:
        raise Conflict(
            f"{one.place.customer}/{one.place.site} already has a device named {one.name}",
            hint="enrol with another --name, or revoke the old device: `guru device revoke`",
        )
    version = plain(one.agent_version, 40)
    connection.execute(device.insert().values(
        tenant=tenant, id=one.id, name=one.name, customer=one.place.customer, site=one.place.site,
        public_key=one.public_key, sealing_key=one.sealing_key, op_labels=_json(dict(one.op_labels)),
        facts=_json(clean(one.facts)),
        services="[]", facts_at=now, agent_version=version, enrolled_by=one.enrolled_by, enrolled_at=now,
        revoked_at=None, held=one.held, held_why=plain(one.held_why, 200), held_at=now if one.held else None,
        hardware=one.hardware,
    ))
    connection.execute(device_state.insert().values(
        tenant=tenant, device=one.id, last_seen=None, connected=None, agent_version=version,
        heartbeat=HEARTBEAT, desired_serial=0, applied_serial=0, state_since=now,
    ))


def record_facts(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
    """A Recorder: the newest facts of each device; the topic `inventory` names those whose facts changed."""
    changed: set[str] = set()
    for item in items:
        said = Facts.model_validate(item.body)
        facts = _json(clean(said.facts))
        services = [{**one.model_dump(), "name": plain(one.name)} for one in said.services]
        mine = (device.c.tenant == item.tenant, device.c.id == item.device)
        if connection.execute(select(device.c.facts).where(*mine)).scalar() != facts:
            changed.add(item.device)
        connection.execute(
            device.update().where(*mine).values(facts=facts, services=_json(services), facts_at=said.at)
        )
    return {"inventory": changed} if changed else {}


def set_labels(
    connection: Connection, tenant: str, ids: Collection[str], put: Mapping[str, str], remove: Collection[str]
) -> list[str]:
    """Change op/ labels of these devices; the ids of those that differ now. InputInvalid for a bad label."""
    check_labels(put)
    for name in remove:
        if not _KEY.fullmatch(name):
            raise InputInvalid(f"{plain(name, 64)} cannot be a label's key", hint="lower case letters, digits, . _ -")
    changed = []
    for device_id in sorted(ids):
        mine = (device.c.tenant == tenant, device.c.id == device_id)
        held = connection.execute(select(device.c.op_labels).where(*mine).with_for_update()).scalar_one()
        before: dict[str, str] = orjson.loads(held)
        after = {name: value for name, value in {**before, **put}.items() if name not in remove}
        if len(after) > MAX_LABELS:
            raise InputInvalid(f"a device has {MAX_LABELS} labels at most")
        if after != before:
            connection.execute(device.update().where(*mine).values(op_labels=_json(after)))
            changed.append(device_id)
    return changed


def check_labels(put: Mapping[str, str]) -> None:
    """InputInvalid unless these can be op/ labels of a device."""
    for name, value in put.items():
        if not _KEY.fullmatch(name) or not _VALUE.fullmatch(value):
            raise InputInvalid(
                f"{plain(name, 64)}={plain(value, 64)} cannot be a label",
                hint="keys: lower case letters, digits, . _ -; values: 63 letters, digits, . _ : + - at most",
            )


def revoke(connection: Connection, tenant: str, device_id: str, now: int, why: str = "revoked") -> None:
    """Take the device out of the fleet for good; publish `revoked` and `inventory` after the commit.

    Its key is kept as one that never comes back.
    """
    bury(connection, tenant, device_id, why, now)
    mine = (device.c.tenant == tenant, device.c.id == device_id, device.c.revoked_at.is_(None))
    connection.execute(device.update().where(*mine).values(revoked_at=now))


def clean(facts: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Facts made safe to store and show; InputInvalid when there are too many."""
    if len(facts) > MAX_FACTS:
        raise InputInvalid(f"a device reports {MAX_FACTS} facts at most")
    return {plain(name, 64): _scalar(value) for name, value in facts.items()}


def _scalar(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return plain(value, 1000)
    return value if isinstance(value, bool) or abs(value) < 2**63 else 0       # NaN is below nothing


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
