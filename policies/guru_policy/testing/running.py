"""Runs tests of a fleet repository: compiles the device as the server does and tries every claim. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from guru_policy.compiling import Assignment, Compiler, Effective
from guru_policy.conditions import text_of
from guru_policy.faults import Origin
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device, Place
from guru_policy.kinds.test import Fixture, Test
from guru_policy.objects.object import Object
from guru_policy.quantities import shown
from guru_policy.testing.outcome import Exercised, Failure, Outcome
from guru_policy.testing.stage import Stage
from guru_policy.testing.timelines import Timelines
from guru_policy.testing.values import Values

_ID = "0" * 32                          # of no enrolled device


@dataclass(frozen=True)
class Ran:
    """The tests that ran, in the order of their places, and what they spoke of."""

    outcomes: tuple[Outcome, ...]
    exercised: Exercised


class Runner:
    """Runs the tests of one revision. `digests` is path to SHA-256 of the files carried."""

    def __init__(self, fleet: Fleet, digests: Mapping[str, str]) -> None:
        self._fleet, self._digests = fleet, digests
        self._sources = Sources(fleet, fleet)
        self._compilers: dict[str, Compiler] = {}

    def run(self, chosen: re.Pattern[str] | None = None) -> Ran:
        """Every test whose name holds the pattern."""
        outcomes: list[Outcome] = []
        exercised = Exercised()
        for item in tests_of(self._fleet):
            if isinstance(item.spec, Test) and (chosen is None or chosen.search(item.name)):
                outcome, spoke = self._try(item, item.spec)
                outcomes.append(outcome)
                exercised |= spoke
        return Ran(tuple(outcomes), exercised)

    def _try(self, item: Object, test: Test) -> tuple[Outcome, Exercised]:
        device = device_of(test.device)
        compiler = self._compiler(device.place.customer)
        assignment = compiler.assign(device)
        applied = frozenset(layer.node.at(layer.path) for layer in compiler.layers(device) if layer.path)
        spoke = Exercised(applied=applied)
        parts = (test.expect, test.absent, test.timeline, test.acknowledge)
        claims = 1 if test.refused is not None else sum(map(len, parts))
        if test.refused is not None:
            failures, leaves = _refusal(item, test.refused, assignment)
            spoke |= Exercised(leaves=leaves)
        elif not isinstance(assignment, Effective):
            failures = [
                Failure(item.at(("device",)), f"device {device.name}", "a device that compiles", fault.message,
                        str(fault.origin), fault.hint)
                for fault in assignment
            ]
        else:
            values = Values(item, test, compiler, device, self._fleet)
            timelines = Timelines(item, test, Stage(test, self._sources, compiler, device), values.checks)
            failures = [*values.failures(), *timelines.failures()]
            spoke |= values.exercised | timelines.exercised
        return Outcome(item.key, item.origin, test.description or "", claims, tuple(failures)), spoke

    def _compiler(self, customer: str) -> Compiler:
        known = self._compilers.get(customer)
        if known is None:
            known = self._compilers[customer] = Compiler(self._sources, customer, self._digests)
        return known


def tests_of(fleet: Fleet) -> list[Object]:
    """The objects of kind Test, by place."""
    return sorted((item for key, item in fleet.objects.items() if key.kind == "Test"), key=lambda item: item.origin)


def device_of(fixture: Fixture) -> Device:
    """The device that a test is about; technicians' labels are texts, as the server keeps them."""
    labels = {key: text_of(value) for key, value in fixture.labels.items()}
    return Device(_ID, fixture.name, Place(fixture.customer, fixture.site), fixture.facts, labels)


def _refusal(item: Object, text: str, assignment: Assignment) -> tuple[list[Failure], frozenset[Origin]]:
    """What speaks against the refusal that a test claims, and the places at which it is refused."""
    claim, wanted, place = "refused", f"a fault that says {shown(text)}", item.at(("refused",))
    if isinstance(assignment, Effective):
        return [Failure(place, claim, wanted, "a device that compiles")], frozenset()
    found = frozenset(fault.origin for fault in assignment if text in fault.message)
    if found:
        return [], found
    return [Failure(place, claim, wanted, fault.message, str(fault.origin)) for fault in assignment], frozenset()
