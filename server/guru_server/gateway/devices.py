"""What the gateway reads and keeps of devices: key, revocation, serial, when last seen. No other column."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from guru_server.store.binding import whose

_SLICE = 500                            # ids in one statement

_KNOWN = text(
    "SELECT d.tenant, d.public_key, d.revoked_at, d.sealing_key, d.held, d.rotate_asked, d.key_at, d.enrolled_at,"
    " s.processes FROM device d LEFT JOIN device_state s ON s.tenant = d.tenant AND s.device = d.id"
    " WHERE d.tenant = :tenant AND d.id = :id"
)
_SEALING = text("UPDATE device SET sealing_key = :key WHERE tenant = :tenant AND id = :id")
_SERIALS = text(
    "SELECT device, desired_serial FROM device_state WHERE tenant = :tenant AND device IN :ids"
).bindparams(bindparam("ids", expanding=True))
_SEEN = text(
    "UPDATE device_state SET last_seen = :at WHERE tenant = :tenant AND device = :device"
    " AND (last_seen IS NULL OR last_seen < :at)"
)
_CONNECTED = text(
    "UPDATE device_state SET last_seen = :at, connected = :gateway, agent_version = :agent_version"
    " WHERE tenant = :tenant AND device = :device"
)
_AHEAD = text(
    "UPDATE device_state SET ahead_serial = :serial WHERE tenant = :tenant AND device = :device"
    " AND ahead_serial < :serial AND desired_serial < :serial AND desired_serial >= :serial - :most"
)
MOST_AHEAD = 1 << 31                    # what a device says beyond that is no serial of ours
_GONE = text(
    "UPDATE device_state SET last_seen = :at, connected = NULL"
    " WHERE tenant = :tenant AND device = :device AND connected = :gateway"
)


class Known(NamedTuple):
    """What the fleet knows of a device: whose it is, the 32 raw bytes of its key, and what is sealed to."""

    tenant: str
    public_key: bytes
    revoked: bool
    sealing_key: str = ""               # base64; empty: it never said one
    held: str = ""                      # pending | quarantined
    rotate_asked: bool = False
    key_at: int = 0                     # ms UTC: when its key was made, as far as is known
    processes: str = ""                 # JSON of guru_server.fleet.cloning.Processes


class Seen(NamedTuple):
    """What became of a device's link by `at` (ms UTC). `connected` None: it goes on as it was."""

    tenant: str
    device: str
    at: int
    connected: bool | None = None
    agent_version: str = ""


def known(connection: Connection, device: str) -> Known | None:
    """The device of this id, revoked or not; None when there is none, or when its key is unreadable."""
    row = connection.execute(_KNOWN, {"tenant": whose(connection), "id": device}).first()
    if row is None:
        return None
    try:
        key = base64.b64decode(row.public_key, validate=True)
        return Known(
            row.tenant, key, row.revoked_at is not None, row.sealing_key, row.held, bool(row.rotate_asked),
            row.key_at or row.enrolled_at, row.processes or "",
        )
    except binascii.Error:
        return None


def serials(connection: Connection, devices: Collection[str]) -> dict[str, int]:
    """The serial of each device's newest manifest; 0: none yet."""
    return {
        row.device: row.desired_serial
        for ids in _sliced(devices)
        for row in connection.execute(_SERIALS, {"tenant": whose(connection), "ids": ids})
    }


def note_ahead(connection: Connection, tenant: str, device: str, serial: int) -> bool:
    """Keep that the device holds a manifest newer than any that is known here; whether that is news."""
    if not 0 < serial < 1 << 62:
        return False
    row = {"tenant": tenant, "device": device, "serial": serial, "most": MOST_AHEAD}
    return bool(connection.execute(_AHEAD, row).rowcount)


def keep_sealing_key(connection: Connection, tenant: str, device: str, key: str) -> None:
    """Keep what the device's secrets are sealed to from now on; publish `inventory` after the commit."""
    connection.execute(_SEALING, {"tenant": tenant, "id": device, "key": key})


def keep_seen(connection: Connection, gateway: str, news: Sequence[Seen]) -> None:
    """Write what became of links, in the order of devices; a later time never goes back."""
    ordered = sorted(news)
    for statement, rows in (
        (_SEEN, [one for one in ordered if one.connected is None]),
        (_CONNECTED, [one for one in ordered if one.connected is True]),
        (_GONE, [one for one in ordered if one.connected is False]),
    ):
        if rows:
            connection.execute(statement, [_values(statement is _CONNECTED, gateway, one) for one in rows])


def _values(connecting: bool, gateway: str, one: Seen) -> dict[str, str | int]:
    values: dict[str, str | int] = {"tenant": one.tenant, "device": one.device, "at": one.at}
    if one.connected is not None:
        values["gateway"] = gateway
    return {**values, "agent_version": one.agent_version} if connecting else values


def _sliced(devices: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(devices)
    for start in range(0, len(ordered), _SLICE):
        yield ordered[start : start + _SLICE]
