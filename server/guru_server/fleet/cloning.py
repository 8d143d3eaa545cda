"""One key on two machines: told from restarts and from links that flap. It decides; `note` alone writes.

Every run of an agent has a random name of its own that is on no disk. A restart brings a new name, a link that flaps
the same one. A name that comes back after another was seen means that both live. Once can be a hello that was late
on its way when its agent died; twice cannot.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, text

from guru_server.audit.log import record
from guru_server.fleet.holding import hold_free

KEPT = 8                                # runs that are remembered
RETURNS = 2
CLONED = "two machines use its key: a run of its agent came back after another, twice"
_READ = "SELECT processes FROM device_state WHERE tenant = :tenant AND device = :device"
_HELD = {"postgresql": text(_READ + " FOR UPDATE"), "sqlite": text(_READ)}
_WRITE = text("UPDATE device_state SET processes = :processes WHERE tenant = :tenant AND device = :device")


class Processes(NamedTuple):
    """The runs of a device's agent, the newest last, and how often one came back after another."""

    seen: tuple[str, ...] = ()
    returns: int = 0

    @property
    def cloned(self) -> bool:
        """Whether two of them live at once."""
        return self.returns >= RETURNS

    def after(self, process: str) -> Processes:
        """What is known once this run has said hello. An agent that tells no name ("") proves nothing."""
        if (not self.seen and not process) or self.seen[-1:] == (process,):
            return self
        back = bool(process) and process in self.seen
        others = tuple(one for one in self.seen if one != process)
        return Processes((*others, process)[-KEPT:], self.returns + back)


def read(stored: str) -> Processes:
    """The runs as they are stored; none for an empty text."""
    if not stored:
        return Processes()
    kept = orjson.loads(stored)
    return Processes(tuple(kept["seen"]), int(kept["returns"]))


def note(connection: Connection, tenant: str, device: str, process: str, now: int) -> bool:
    """Keep that this run said hello; True when that puts the device into quarantine, which the audit log tells.

    On PostgreSQL two gateways wait for each other here. Publish `revoked` after the commit.
    """
    of = {"tenant": tenant, "device": device}
    stored = connection.execute(_HELD[connection.dialect.name], of).scalar()
    after = read(stored or "").after(process)
    written = orjson.dumps({"seen": after.seen, "returns": after.returns}).decode()
    connection.execute(_WRITE, {**of, "processes": written})
    if not after.cloned or not hold_free(connection, tenant, device, "quarantined", CLONED, now):
        return False
    record(connection, now, "server", "DeviceCloned", f"device:{device}", CLONED, device=device, tenant=tenant)
    return True


def forget(connection: Connection, tenant: str, device: str) -> None:
    """Begin anew: somebody looked, and let the device go."""
    connection.execute(_WRITE, {"tenant": tenant, "device": device, "processes": ""})
