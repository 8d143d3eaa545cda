"""What gateways are to say to devices: orders that wait, cancellations. It signs nothing, and sends nothing.

A run is marked as sent in the transaction that hands its order over: `queued` means that its device never had it. What
another key signed than the newest authority names is kept back: devices would refuse it, and it is signed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from guru_server.jobs.signing import newest_authority, signed_by, vouched_for
from guru_server.schedules.ending import ending_devices, endings_of
from guru_server.store.binding import whose

MOST_OF_ONE, MOST_AGAIN = 16, 500       # orders that one device is given at once; of a new link
MOST_BYTES, BYTES_AGAIN = 1 << 20, 16 << 20     # of frames for one device at once, once there is one
_SLICE = 500

_COLUMNS = (
    "SELECT r.job, r.device, r.state, r.ending, r.nonce, r.place, r.path, o.signed, j.cancel"
    " FROM job_run r JOIN job_order o ON o.tenant = r.tenant AND o.job = r.job AND o.number = r.number"
    " JOIN job j ON j.tenant = r.tenant AND j.id = r.job"
    " WHERE r.tenant = :tenant AND r.device IN :devices"
)
_ORDERED = " AND (j.expires_at > :now OR r.ending = :yes) ORDER BY j.created_at, r.job, r.device"
_WAITING = _COLUMNS + " AND (r.state = 'queued' OR r.state IN ('sent', 'running') AND r.ending = :yes)" + _ORDERED
_AGAIN = _COLUMNS + " AND (r.state IN ('queued', 'sent') OR r.state = 'running' AND r.ending = :yes)" + _ORDERED
# PostgreSQL looks again at a run that somebody else ends meanwhile; SQLite has one writer at a time
_HELD = {"postgresql": " FOR UPDATE OF r", "sqlite": ""}
_SENT = text(
    "UPDATE job_run SET state = 'sent', sent_at = :now"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND state = 'queued'"
)


_ANY = text(
    "SELECT DISTINCT device FROM job_run WHERE tenant = :tenant AND device IN :devices"
    " AND state IN ('queued', 'sent', 'running')"
).bindparams(bindparam("devices", expanding=True))


class Words(NamedTuple):
    """Frames for one device in their order. `more`: others wait until it has taken these."""

    device: str
    frames: Sequence[str]
    more: bool


def waited_for(connection: Connection, devices: Sequence[str]) -> list[str]:
    """Those of the devices of which a run has not ended: a cheap look before the one that writes."""
    found = []
    for start in range(0, len(devices), _SLICE):
        values = {"tenant": whose(connection), "devices": devices[start : start + _SLICE]}
        found += [str(one) for one in connection.execute(_ANY, values).scalars()]
        found += ending_devices(connection, devices[start : start + _SLICE])
    return list(dict.fromkeys(found))


def orders_of(connection: Connection, devices: Sequence[str], again: bool, now: int) -> list[Words]:
    """What these devices, which are on a link now, are to be told, marked as sent.

    `again`: also what was sent before and may be lost, for a link that is new.
    """
    authority = newest_authority(connection)
    if authority is None:
        return []
    ours = signed_by(vouched_for(authority))
    most, most_bytes = (MOST_AGAIN, BYTES_AGAIN) if again else (MOST_OF_ONE, MOST_BYTES)
    found: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    more: set[str] = set()
    sent = []
    query = text((_AGAIN if again else _WAITING) + _HELD[connection.dialect.name])
    query = query.bindparams(bindparam("devices", expanding=True))
    for start in range(0, len(devices), _SLICE):
        values = {"tenant": whose(connection), "devices": devices[start : start + _SLICE], "now": now, "yes": True}
        for row in connection.execute(query, values):
            if row.ending and row.cancel is None:       # cancelled while this waited for its row
                more.add(row.device)
                continue
            if not (row.cancel if row.ending else row.signed).endswith(ours):
                continue
            mine = found.setdefault(row.device, [])
            if len(mine) >= most or sizes.get(row.device, 0) > most_bytes:
                more.add(row.device)
                continue
            if row.ending:
                frame = _cancel(authority, row.cancel)
            else:
                frame = _order(authority, row.signed, row.nonce, row.place, row.path)
            mine.append(frame)
            sizes[row.device] = sizes.get(row.device, 0) + len(frame)
            if row.state == "queued":
                sent.append({"tenant": whose(connection), "job": row.job, "device": row.device, "now": now})
        for device, cancel in endings_of(connection, devices[start : start + _SLICE]):
            found.setdefault(device, []).append(_cancel(authority, cancel))
    if sent:
        connection.execute(_SENT, sent)
    return [Words(device, found.get(device, ()), device in more) for device in {**found, **dict.fromkeys(more)}]


def _cancel(authority: str, signed: str) -> str:
    """The frame of guru_wire.link.Cancel: what is in it is JSON already."""
    return f'{{"t":"cancel","authority":{authority},"cancel":{signed}}}'


def _order(authority: str, signed: str, nonce: str, place: int, path: bytes) -> str:
    """The frame of guru_wire.link.Order: what is in it is JSON already, or hex."""
    steps = ",".join(f'"{path[at : at + 32].hex()}"' for at in range(0, len(path), 32))
    return (
        f'{{"t":"order","authority":{authority},"order":{signed},"nonce":"{nonce}","place":{place},"path":[{steps}]}}'
    )
