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

SYSTEMS = (("debian", "12"), ("debian", "13"), ("ubuntu", "24.04"), ("rocky", "9.4"), ("windows", "11"))
ROLES = ("web", "database", "workstation", "workstation", "workstation", "file", "print")
SIZES = (4, 8, 8, 16, 16, 32, 64)
METRICS = (
    "cpu_percent", "load_1", "load_5", "load_15", "memory_used_percent", "memory_used_bytes",
    "swap_used_bytes", "disk_used_percent:/", "disk_used_bytes:/", "disk_read_bytes", "disk_written_bytes",
    "net_received_bytes",
    "net_sent_bytes", "processes_count", "threads_count", "users_count", "uptime_seconds",
    "temperature_celsius", "agent_cpu_percent", "agent_memory_bytes",
)


class Fails(NamedTuple):
    """A check that is critical on the hosts that fit a pattern."""

    check: str
    hosts: str


def facts_of(name: str) -> dict[str, Scalar]:
    """Facts of the machine of this name: always the same, and different enough to select by."""
    chosen = random.Random(name)
    system, version = chosen.choice(SYSTEMS)
    windows = system == "windows"
    return {
        "os": "windows" if windows else "linux", "distribution": system, "os_version": version,
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
        self._level = [self._random.uniform(5, 60) for _ in METRICS]
        self._has: dict[str, str] = {}                  # resource id to what it is
        self._since: dict[str, tuple[State, int]] = {}

    def sample(self, uptime: float) -> list[JsonValue]:
        """The values of a heartbeat, in the layout's order; they wander."""
        for place, level in enumerate(self._level):
            self._level[place] = min(98.0, max(1.0, level + self._random.gauss(0, 1.5)))
        memory = float(self.facts["ram_gb"]) * (1 << 30)
        whole = {"bytes": memory / 100, "count": 5.0}
        values: list[JsonValue] = []
        for name, level in zip(METRICS, self._level, strict=True):
            scale = whole.get(name.split(":", maxsplit=1)[0].rsplit("_", 1)[-1])
            values.append(round(level, 1) if scale is None else float(int(level * scale)))
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
