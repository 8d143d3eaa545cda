"""Whom alerts that fire are to be told to now, and who hears of an end. It decides; it stores nothing.

Level-based, as the sweep: what was told stands on the alert's row, in the same transaction as the notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from guru_policy.alerting.episode import Phase
from guru_policy.alerting.routing import Quiet, Routing
from guru_policy.alerting.rule import Rule
from guru_policy.alerting.telling import Progress, after, due, seen
from guru_policy.conditions import Subject
from guru_policy.inventory import Device
from guru_policy.selector import Selector
from guru_server.alerts.in_force import InForce
from guru_server.alerts.seeing import Open, Transition


class ByHand(NamedTuple):
    """A window that somebody opened by hand and that is open now."""

    id: str
    selector: Selector
    until: int
    only: Collection[str] | None = None     # device ids; None: every device that the selector matches

    def mutes(self, device: Device, subject: Subject) -> bool:
        """Whether the device's alerts are told to nobody because of it."""
        return (self.only is None or device.id in self.only) and self.selector.accepts(subject)


@dataclass(frozen=True, slots=True)
class Now:
    """What a look at the telling goes by. `devices` are those of open alerts."""

    in_force: InForce
    devices: Mapping[str, Device]
    by_hand: Sequence[ByHand]
    at: int

    def quiet(self, device: Device | None) -> tuple[Quiet, ...]:
        """The windows that mute the device's alerts now."""
        routing = self.in_force.routing_for(device.place.customer) if device is not None else None
        if routing is None or device is None:
            return ()
        subject = routing.subject(device) if self.by_hand else None
        return (*routing.muting(device, self.at), *(
            Quiet(one.id, one.until) for one in self.by_hand if subject is not None and one.mutes(device, subject)
        ))


def told(found: Iterable[Transition], opened: Iterable[Open], now: Now) -> Iterator[Transition]:
    """The transitions with what is told by them, and others for alerts of which nothing else changes."""
    changed: set[str] = set()
    for transition in found:
        if transition.before is not None:
            changed.add(transition.before.id)
        yield _of_change(transition, now)
    for before in opened:
        if before.id in changed or before.episode.phase is not Phase.firing:
            continue
        device = now.devices.get(before.device)
        routing = now.in_force.routing_for(device.place.customer) if device is not None else None
        rule = _rule(now.in_force, before, device)
        if device is None or routing is None or rule is None:
            continue
        transition = _firing(Transition(before, before.episode, None, rule), device, routing, now)
        if transition.progress != before.progress:
            yield transition


def _of_change(transition: Transition, now: Now) -> Transition:
    """What a change of phase is told by."""
    after_it = transition.after
    if after_it is None or after_it.phase is Phase.pending:
        return transition
    before = transition.before
    device = transition.seen.device if transition.seen else now.devices.get(before.device) if before else None
    if after_it.phase is Phase.resolved:
        closes = [one.until or now.at for one in now.quiet(device)]
        return replace(transition, begin=max(closes, default=now.at))
    routing = now.in_force.routing_for(device.place.customer) if device is not None else None
    if device is None or routing is None or transition.rule is None:
        return transition
    return _firing(transition, device, routing, now)


def _firing(transition: Transition, device: Device, routing: Routing, now: Now) -> Transition:
    before, rule = transition.before, transition.rule
    if rule is None:
        return transition
    known = before.progress if before is not None else None
    taken_up = before.taken_up(now.at) if before is not None else None
    progress = seen(known, now.at, [one.name for one in now.quiet(device)], taken_up)
    tellings = due(routing.routes_due(rule, device, progress, now.at), progress, now.at)
    return replace(transition, progress=after(progress, tellings), tellings=tellings, device=device)


def _rule(in_force: InForce, before: Open, device: Device | None) -> Rule | None:
    rules = in_force.rules_for(device.place.customer) if device is not None else None
    return next((rule for rule in rules or () if rule.key == before.rule), None)


__all__ = ["ByHand", "Now", "Progress", "told"]
