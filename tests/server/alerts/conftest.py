"""A database with a device or two, and rules in force that a test sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from guru_policy.alerting.routing import Escalation, Quiet, Routing
from guru_policy.alerting.rule import Rule
from guru_policy.alerting.telling import Route, Step
from guru_policy.conditions import Subject
from guru_policy.inventory import Device
from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.opening import Times, span
from guru_server.alerts.acknowledging import Eyes
from guru_server.alerts.loop import Alerts
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.fleet.tables import device as device_table
from guru_server.leases import Fence, Lease
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.telemetry.tables import check_state
from tests.server.door import an_admins_rights

WEB1 = "1" * 32
MINUTE = 60_000


def anything(_: Device) -> bool:
    return True


def rule(key: str = "org/disk-full", chooses: Callable[[Device], bool] = anything, **fields: object) -> Rule:
    """A rule as the fleet repository would have it, with changed fields."""
    spec = {
        "check": "disk*", "for": "5m", "severity": "high", "notify": ("noc",),
        "summary": "{device}: {message}",
        **fields,
    }
    return Rule(key, AlertRule.model_validate(spec), chooses)


DISK = rule()


def subject(device: Device) -> Subject:
    """What selectors see of a device."""
    labels = {f"op/{key}": value for key, value in device.op_labels.items()}
    return Subject(labels, device.place, device.name, device.id)


def escalation(*steps: Step, period: int = 0, rounds: int = 1, severities: Sequence[str] = ("high",)) -> Escalation:
    """A policy for every device, with these steps."""
    return Escalation("org/shift", frozenset(severities), Route(steps, period, rounds), lambda _: True)


def step(name: str, minutes: float, *tells: str, heeds: bool = True) -> Step:
    """A step of it."""
    return Step(f"org/shift/{name}", int(minutes * MINUTE), tells, heeds)


@dataclass
class InForce:
    """Rules by customer; None: not known yet."""

    rules: list[Rule] | None = field(default_factory=lambda: [DISK])
    escalations: tuple[Escalation, ...] = ()
    windows: dict[str, Times] = field(default_factory=dict)             # that mute every device, by name

    async def refresh(self) -> None:
        pass

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        return self.rules

    def routing_for(self, customer: str) -> Routing | None:
        return Routing(subject, self.escalations, self._muting) if self.rules is not None else None

    def _muting(self, device: Device, now: int) -> tuple[Quiet, ...]:
        spans = {name: span(times, now) for name, times in self.windows.items()}
        return tuple(Quiet(name, one.until) for name, one in spans.items() if one.open)


@dataclass
class Shop:
    """One server's alerts on one database, and what a test does to the world around."""

    db: Database
    clock: SetClock
    in_force: InForce
    alerts: Alerts
    fence: Fence
    bus: LocalBus

    async def enrol(self, device: str = WEB1, name: str = "web1", customer: str = "acme") -> None:
        values = {
            "tenant": TENANT, "id": device, "name": name, "customer": customer, "site": "berlin",
            "public_key": "k", "op_labels": json.dumps({"tier": "gold"}), "facts": "{}", "services": "[]",
            "facts_at": None, "agent_version": "0.1.0", "enrolled_by": "t", "enrolled_at": self.clock(),
            "revoked_at": None,
        }
        await self.db.write(lambda c: c.execute(device_table.insert().values(values)).rowcount)

    async def revoke(self, device: str = WEB1) -> None:
        change = device_table.update().where(device_table.c.id == device).values(revoked_at=self.clock())
        await self.db.write(lambda c: c.execute(change).rowcount)

    async def says(self, state: str, check: str = "disk-root", *, ago: int = 0, skew: int = 0) -> None:
        """The device reports a verdict that holds since `ago` ms, by a clock that is `skew` ms ahead."""
        now = self.clock()
        here = (check_state.c.device == WEB1, check_state.c.check_id == check)
        row = {
            "tenant": TENANT, "device": WEB1, "check_id": check, "state": state, "since": now - ago + skew,
            "at": now + skew, "value": 97.5, "unit": "%", "message": "97.5 % full", "missed": 0,
            "seen_at": now,
        }

        def write(connection: object) -> None:
            connection.execute(check_state.delete().where(*here))  # type: ignore[attr-defined]
            connection.execute(check_state.insert().values(row))  # type: ignore[attr-defined]

        await self.db.write(write)

    async def sweep(self, minutes: float = 0) -> int:
        self.clock.forward(int(minutes * MINUTE))
        return await self.alerts.sweep(self.fence)


@pytest.fixture
async def shop(db: Database) -> Shop:
    clock, in_force, bus = SetClock(), InForce(), LocalBus()
    fence = await Lease(db, "alerts", "one").acquire()
    assert fence is not None
    made = Shop(db, clock, in_force, Alerts(db, bus, in_force, clock), fence, bus)
    await made.enrol()
    return made


async def everything() -> Eyes:
    """The eyes of an admin, who sees and acts on every alert."""
    rights = an_admins_rights("jan")
    return Eyes(await rights.sight("alert.read"), await rights.sight("alert.act"))
