"""A simulated machine: facts by name, metrics that wander, resources that become what a bundle says. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import random
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from guru_policy.bundle import Bundle, PlacedCheck, PlacedResource
from guru_policy.inventory import Scalar
from guru_policy.verdict import State, Verdict
from guru_wire.manifest import Manifest
from guru_wire.uplink import (
    Change,
    CheckResult,
    Layout,
    Report,
    ResourceOutcome,
    ResourceReport,
    ServiceState,
)

SYSTEMS = (("debian", "12"), ("debian", "13"), ("ubuntu", "24.04"), ("rocky", "9.4"), ("fedora", "42"))
ROLES = ("web", "database", "workstation", "workstation", "workstation", "file", "print")
SIZES = (4, 8, 8, 16, 16, 32, 64)

class Wander(NamedTuple):
    """How a metric behaves: between `low` and `high`, moved by about `step` in `moves` of all samples.

    Values are whole multiples of `grain`: memory comes in pages, percents with one digit.
    """

    name: str
    low: float
    high: float
    step: float
    moves: float
    grain: float


PAGE, GIB = 4096.0, float(1 << 30)

# An ordinary machine: a busy processor, memory that drifts, a disk that fills slowly, quiet interfaces.
WANDERS = (
    Wander("cpu_percent", 0, 100, 3.0, 1.0, 0.1),
    Wander("load_1", 0, 8, 0.1, 1.0, 0.01),
    Wander("load_5", 0, 8, 0.03, 1.0, 0.01),
    Wander("load_15", 0, 8, 0.01, 0.8, 0.01),
    Wander("memory_used_percent", 5, 95, 0.1, 0.5, 0.1),
    Wander("memory_used_bytes", GIB / 2, 4 * GIB, 4e6, 1.0, PAGE),
    Wander("swap_used_bytes", 0, GIB, 1e6, 0.02, PAGE),
    Wander("disk_used_percent:/", 5, 95, 0.1, 0.02, 0.1),
    Wander("disk_used_bytes:/", 10 * GIB, 90 * GIB, 2e6, 0.5, PAGE),
    Wander("disk_read_bytes", 0, 1e7, 1e5, 0.1, PAGE),
    Wander("disk_written_bytes", 0, 1e7, 1e5, 0.6, PAGE),
    Wander("net_received_bytes", 0, 1e6, 2e3, 1.0, 1.0),
    Wander("net_sent_bytes", 0, 1e6, 2e3, 1.0, 1.0),
    Wander("processes_count", 80, 400, 1.5, 0.4, 1.0),
    Wander("threads_count", 200, 1500, 3.0, 0.5, 1.0),
    Wander("users_count", 0, 5, 1.0, 0.01, 1.0),
    Wander("uptime_seconds", 0, 0, 0.0, 0.0, 1.0),
    Wander("temperature_celsius", 30, 80, 0.7, 0.6, 1.0),
    Wander("agent_cpu_percent", 0, 2, 0.1, 0.2, 0.1),
    Wander("agent_memory_bytes", 3e7, 5e7, 5e4, 0.05, PAGE),
)
METRICS = tuple(wander.name for wander in WANDERS)


class Fails(NamedTuple):
    """A check that is critical on the hosts that fit a pattern."""

    check: str
    hosts: str


def facts_of(name: str) -> dict[str, Scalar]:
    """Facts of the machine of this name: always the same, and different enough to select by."""
    chosen = random.Random(name)
    system, version = chosen.choice(SYSTEMS)
    return {
        "os": "linux", "distribution": system, "os_version": version,
        "hostname": name, "arch": chosen.choice(("x86_64", "x86_64", "arm64")),
        "cpus": chosen.choice((2, 4, 8, 16)),
        "ram_gb": chosen.choice(SIZES), "role": chosen.choice(ROLES), "virtual": chosen.random() < 0.6,
        "ip": f"10.{chosen.randrange(256)}.{chosen.randrange(256)}.{chosen.randrange(1, 255)}",
    }


def layout() -> Layout:
    """The one layout of simulated machines."""
    return Layout(hash=hashlib.sha256("\n".join(METRICS).encode()).hexdigest()[:16], metrics=METRICS)


class Machine:
    """One simulated machine and what it is now."""

    def __init__(self, name: str, fails: Sequence[Fails]) -> None:
        self.name, self.facts = name, facts_of(name)
        self._random = random.Random(f"{name} runs")
        self._fails = [rule for rule in fails if fnmatch.fnmatchcase(name, rule.hosts)]
        self._level = [self._random.uniform(wander.low, wander.high) for wander in WANDERS]
        self._has: dict[str, str] = {}                  # resource id to what it is
        self._since: dict[str, tuple[State, int]] = {}

    def sample(self, uptime: float) -> list[JsonValue]:
        """The values of a heartbeat, in the layout's order; they wander."""
        values: list[JsonValue] = []
        for place, (_, low, high, step, moves, grain) in enumerate(WANDERS):
            if self._random.random() < moves:
                moved = self._level[place] + self._random.gauss(0, step)
                self._level[place] = min(high, max(low, moved))
            values.append(round(round(self._level[place] / grain) * grain, 2))
        values[METRICS.index("uptime_seconds")] = float(int(uptime))
        if self.facts["virtual"]:
            values[METRICS.index("temperature_celsius")] = None
        return values

    def services(self) -> tuple[ServiceState, ...]:
        """A few services, all running."""
        names = ("ssh.service", "cron.service", f"{self.facts['role']}.service")
        return tuple(ServiceState(name=name, running=True, enabled=True) for name in names)

    def converge(
        self, bundle: Bundle, manifest: Manifest, started: int, finished: int, first: bool
    ) -> Report:
        """Become what the bundle says, and tell truly which resources that changed."""
        reports = tuple(self._become(resource) for resource in bundle.resources)
        kept = {resource.id for resource in bundle.resources}
        self._has = {name: spec for name, spec in self._has.items() if name in kept}
        return Report(
            run=secrets.token_hex(16), serial=manifest.serial, revision=manifest.revision,
            bundle=manifest.bundle, started_at=started, finished_at=finished,
            cause="start" if first else "manifest", converged=True,
            resources=reports,
        )

    def verdicts(self, checks: Sequence[PlacedCheck], now: int) -> tuple[CheckResult, ...]:
        """The verdict of every check: ok, unless a rule says that it fails here."""
        results = []
        for check in checks:
            failing = any(fnmatch.fnmatchcase(check.id, rule.check) for rule in self._fails)
            state = State.critical if failing else State.ok
            before, since = self._since.get(check.id, (None, now))
            since = since if before is state else now
            self._since[check.id] = (state, since)
            value = round(self._random.uniform(92, 99) if failing else self._random.uniform(10, 60), 1)
            verdict = Verdict(state=state, value=value, unit="%", message=f"{value}% (simulated)")
            results.append(CheckResult(check=check.id, at=now, since=since, verdict=verdict))
        return tuple(results)

    def _become(self, resource: PlacedResource) -> ResourceReport:
        wanted = json.dumps(resource.spec, sort_keys=True)
        if self._has.get(resource.id) == wanted:
            return ResourceReport(id=resource.id, kind=resource.kind, outcome=ResourceOutcome.same)
        if resource.mode == "observe":
            return ResourceReport(
                id=resource.id, kind=resource.kind, outcome=ResourceOutcome.drifted, change=Change.suppressed
            )
        self._has[resource.id] = wanted
        return ResourceReport(
            id=resource.id, kind=resource.kind, outcome=ResourceOutcome.changed, change=Change.intentional,
            steps=(f"make {resource.id} as its policy says",),
        )
