"""One pass over a bundle's resources, in order: probe, plan, execute, look again. It writes nothing itself.

What is about to be done is in the journal before the first step, so that a kill at any moment neither loses
a trigger nor the report of a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import orjson
from pydantic import ValidationError

from guru_agent.converge.retry import Retry
from guru_agent.converge.windows import Windows
from guru_agent.state.journal import Doing, Due, Journal
from guru_agent.state.store import StoreFull
from guru_agent.supervise import Crashed, guarded
from guru_policy.bundle import Bundle, PlacedResource, digest_of
from guru_policy.host import Host
from guru_policy.resources import RESOURCES
from guru_policy.resources.base import Resource
from guru_policy.secret import named_secrets
from guru_policy.steps import Step
from guru_wire.uplink import Change, ResourceOutcome, ResourceReport

LOOK_LIMIT = 300.0                      # seconds that one look at a resource may take
DO_LIMIT = 6 * 3600.0                   # seconds of all its steps; each has its own, shorter, limit
BAD = frozenset({ResourceOutcome.failed, ResourceOutcome.skipped})


class Doer(Protocol):
    """What carries out a step; StepFailed when it did not do what it should."""

    async def execute(self, step: Step) -> None: ...


class Planned(NamedTuple):
    """What one look at a resource asks for."""

    steps: tuple[Step, ...]
    fresh: bool                         # the steps do themselves what a trigger would ask for


class Round:
    """One run. Make one, `run` it once."""

    def __init__(
        self, bundle: Bundle, host: Host, doer: Doer, journal: Journal, retry: Retry, windows: Windows
    ) -> None:
        self._bundle, self._host, self._doer = bundle, host, doer
        self._journal, self._retry, self._windows = journal, retry, windows
        self.waits = False              # whether something was left undone on account of a window
        self._settled = journal.settled()
        self._doing = journal.doing()
        self._outcomes: dict[str, ResourceOutcome] = {}
        self._targets = _targets(bundle, host.platform)

    async def run(self) -> tuple[ResourceReport, ...]:
        """How every resource stands now."""
        reports = []
        for placed in self._bundle.resources:
            report = await self._one(placed)
            self._outcomes[placed.id] = report.outcome
            reports.append(report)
        return tuple(reports)

    async def _one(self, placed: PlacedResource) -> ResourceReport:
        behind = [name for name in placed.after if self._outcomes.get(name) in BAD]
        if behind:
            return _report(placed, ResourceOutcome.skipped, message=f"comes after {behind[0]}, which failed")
        resource = _read(placed, self._host.platform)
        if isinstance(resource, str):
            return _report(placed, ResourceOutcome.unsupported, message=resource)
        planned = await guarded(_look(resource, self._host), LOOK_LIMIT)
        if isinstance(planned, Crashed):
            return _report(placed, ResourceOutcome.failed, message=planned.message)
        if placed.mode == "observe":
            return self._observed(placed, planned.steps)
        try:
            return await self._enforced(placed, resource, planned)
        except StoreFull as full:       # nothing is done that is not written down
            return _report(placed, ResourceOutcome.failed, message=full.message)

    def _observed(self, placed: PlacedResource, steps: Sequence[Step]) -> ResourceReport:
        self._journal.triggered(placed.id, self._journal.due(placed.id))
        if not steps:
            return _report(placed, ResourceOutcome.same)
        return _report(placed, ResourceOutcome.drifted, change=Change.suppressed, steps=_texts(steps))

    async def _enforced(
        self, placed: PlacedResource, resource: Resource[object], planned: Planned
    ) -> ResourceReport:
        spec = spec_digest(placed, self._bundle.secrets)
        due = [one for one in self._journal.due(placed.id) if self._outcomes.get(one.cause) not in BAD]
        steps = planned.steps
        if due and not planned.fresh:
            steps += tuple(resource.plan_triggered())
        if not steps:
            return self._standing(placed, spec, due)
        blocked = self._windows.open()
        if blocked is not None:         # what triggered it, and what was begun, stays in the journal until it closes
            self.waits = True
            return _report(
                placed, ResourceOutcome.drifted, change=Change.suppressed, steps=_texts(steps),
                message=f"waits for the end of maintenance window {', '.join(blocked.names)}",
            )
        waiting = self._retry.waits(placed.id, spec, self._bundle.agent.converge)
        if waiting is not None:
            return _report(placed, ResourceOutcome.failed, message=waiting.message)
        change = self._change(placed.id, spec, due if not planned.steps else [])
        before = self._doing.get(placed.id)
        texts = tuple(dict.fromkeys((before.steps if before else ()) + _texts(steps)))
        self._journal.begin(placed.id, Doing(spec, change, texts), self._targets.get(placed.id, ()))
        failure = await self._carry_out(resource, steps)
        if failure is not None:
            self._retry.failed(placed.id, spec, failure)
            return _report(placed, ResourceOutcome.failed, change=change, steps=texts, message=failure)
        self._journal.triggered(placed.id, due)
        self._settle(placed.id, spec)
        return _report(placed, ResourceOutcome.changed, change=change, steps=texts)

    def _standing(self, placed: PlacedResource, spec: str, due: Sequence[Due]) -> ResourceReport:
        """It is as it should be: now, or since a run that was killed before it could report."""
        self._journal.triggered(placed.id, due)
        self._settle(placed.id, spec)
        done = self._doing.get(placed.id)
        if done is None:
            return _report(placed, ResourceOutcome.same)
        return _report(placed, ResourceOutcome.changed, change=done.change, steps=done.steps)

    async def _carry_out(self, resource: Resource[object], steps: Sequence[Step]) -> str | None:
        """What went wrong; None when every step was done and nothing is left to do."""
        for step in steps:
            done = await guarded(self._doer.execute(step), DO_LIMIT)
            if isinstance(done, Crashed):
                return done.message
        left = await guarded(_look(resource, self._host), LOOK_LIMIT)
        if isinstance(left, Crashed):
            return left.message
        if left.steps:
            return f"did not converge: still to do: {'; '.join(_texts(left.steps))}"
        return None

    def _settle(self, resource: str, spec: str) -> None:
        self._retry.succeeded(resource)
        if self._settled.get(resource) != spec:
            self._journal.settle(resource, spec)
            self._settled[resource] = spec

    def _change(self, resource: str, spec: str, due: Sequence[Due]) -> Change:
        """Intentional when its spec is news since it last stood so, or when its trigger's cause was."""
        if due:
            intended = any(one.change is Change.intentional for one in due)
        else:
            intended = self._settled.get(resource) != spec
        return Change.intentional if intended else Change.corrective


def spec_digest(placed: PlacedResource, secrets: Mapping[str, str]) -> str:
    """The name of what a resource should be: equal specs with equal secrets, equal digests.

    `secrets` is name to fingerprint, of the whole bundle.
    """
    mine = {name: secrets[name] for name in named_secrets(placed.spec) if name in secrets} if secrets else {}
    said = [placed.kind, placed.spec, mine] if mine else [placed.kind, placed.spec]
    return digest_of(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))


def _read(placed: PlacedResource, platform: str) -> Resource[object] | str:
    """The resource, or why this agent cannot have it."""
    kind = RESOURCES.get(placed.kind)
    if kind is None:
        return f"this agent does not know the kind {placed.kind[:64]}"
    try:
        resource = kind.model_validate_json(orjson.dumps({**placed.spec, "kind": placed.kind}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"this agent cannot read {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    return resource if platform in resource.served() else f"{placed.kind} is not there on {platform}"


async def _look(resource: Resource[object], host: Host) -> Planned:
    now = await resource.probe(host)
    return Planned(tuple(resource.plan(now)), resource.starts_fresh(now))


def _targets(bundle: Bundle, platform: str) -> dict[str, tuple[str, ...]]:
    """Whom each resource triggers when it changes; those in observe mode are left alone."""
    found: dict[str, tuple[str, ...]] = {}
    for placed in bundle.resources:
        resource = _read(placed, platform)
        if isinstance(resource, str) or placed.mode == "observe":
            continue
        for cause in resource.triggers():
            found[cause] = (*found.get(cause, ()), placed.id)
    return found


def _texts(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(str(step) for step in steps)


def _report(
    placed: PlacedResource, outcome: ResourceOutcome, *, change: Change | None = None,
    steps: tuple[str, ...] = (), message: str = "",
) -> ResourceReport:
    return ResourceReport(
        id=placed.id, kind=placed.kind, outcome=outcome, change=change, steps=steps, message=message
    )
