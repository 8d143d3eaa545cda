"""How a device stands with what it should be: one pure function, the same for lists, status and progress."""

from __future__ import annotations

from typing import NamedTuple

from guru_wire.operator import SyncState

MISSED = 3                              # heartbeats
LINK_QUIET_MS = 90_000                  # gateways touch a living link every 30 s


class Standing(NamedTuple):
    """`since` is when the device was last seen when it is Unknown, else when the state came about; ms UTC."""

    online: bool
    state: SyncState
    since: int | None


class Signs(NamedTuple):
    """What is known of a device: the columns of device_state that decide."""

    last_seen: int | None
    connected: str | None
    heartbeat: int
    desired_serial: int
    applied_serial: int
    converged: bool | None
    state_since: int | None


def standing(signs: Signs, now: int) -> Standing:
    """Unknown when offline; else UpToDate, OutOfDate (its newest run failed) or Updating."""
    if not online(signs, now):
        return Standing(False, "Unknown", signs.last_seen)
    if signs.desired_serial == 0 or signs.applied_serial != signs.desired_serial or signs.converged is None:
        return Standing(True, "Updating", signs.state_since)
    return Standing(True, "UpToDate" if signs.converged else "OutOfDate", signs.state_since)


def online(signs: Signs, now: int) -> bool:
    """Seen within three heartbeats, or on a link that its gateway touched lately."""
    if signs.last_seen is None:
        return False
    quiet = now - signs.last_seen
    linked = signs.connected is not None and quiet <= LINK_QUIET_MS
    return linked or quiet <= MISSED * signs.heartbeat * 1000
