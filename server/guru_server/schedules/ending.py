"""Scheduled runs that their devices are to end, and the signed word for it. It reads only."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text

from guru_server.store.binding import whose

MOST = 2_000                            # told to one set of devices at once; each link asks again
_ENDING = " FROM schedule_run WHERE tenant = :tenant AND device IN :devices AND ending"
_DEVICES = text("SELECT DISTINCT device" + _ENDING).bindparams(bindparam("devices", expanding=True))
_WORDS = text(
    "SELECT device, cancel" + _ENDING + " AND cancel IS NOT NULL ORDER BY device, job LIMIT :most"
).bindparams(bindparam("devices", expanding=True))


def ending_devices(connection: Connection, devices: Sequence[str]) -> list[str]:
    """Those of the devices that have such a run."""
    values = {"tenant": whose(connection), "devices": list(devices)}
    return [str(one) for one in connection.execute(_DEVICES, values).scalars()]


def endings_of(connection: Connection, devices: Sequence[str]) -> list[tuple[str, str]]:
    """Devices and what each is told, JSON."""
    values = {"tenant": whose(connection), "devices": list(devices), "most": MOST}
    return [(str(row.device), str(row.cancel)) for row in connection.execute(_WORDS, values)]
