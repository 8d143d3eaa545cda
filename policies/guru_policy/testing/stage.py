"""What the timeline of one test is played on: rules, routes and windows around its device. It judges no claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guru_policy.alerting.routing import Routing, routing_of
from guru_policy.alerting.rule import Rule, rule_of
from guru_policy.alerting.simulating import Ack, History, Scene, heard_of, history_of
from guru_policy.compiling import Compiler
from guru_policy.errors import InputInvalid
from guru_policy.faults import Origin
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.kinds.notification_channel import Email, Webhook
from guru_policy.kinds.test import Test
from guru_policy.objects.object import Key, Object
from guru_policy.opening import Calendar, moment_of

MOST_EDGES = 10_000                     # openings and closings that one claim reaches over


class Stage:
    """Everything in force around the device of one test."""

    def __init__(self, test: Test, sources: Sources, compiler: Compiler, device: Device) -> None:
        self._test, self._sources, self.device = test, sources, device
        customer = device.place.customer
        played = bool(test.timeline)
        self.rules: dict[str, tuple[Rule, Object]] = {
            rule.name: (rule_of(rule, sources), rule) for rule in sources.alert_rules(customer)
        } if played else {}
        self._channels = {item.name: item for item in sources.channels(customer)} if played else {}
        self._windows = compiler.windows(device) if played else ()
        self._routing: Routing | None = None
        self._histories: dict[tuple[str, str], History] = {}
        self._epoch = moment_of(test.start, test.timezone)
        self._until = max((moment.until or moment.at for moment in test.timeline), default=0) * 1000

    def history(self, rule: Rule, check: str) -> History:
        """What becomes of the rule's alert about a check that has a series."""
        known = self._histories.get((rule.key, check))
        if known is None:
            heard = heard_of(self._test.series[check], self._test.every * 1000)
            scene = self._scene(rule, check)
            known = self._histories[rule.key, check] = history_of(rule.timing, heard, self._until, scene)
        return known

    def blocking(self, begin: int, end: int) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The windows in which the device changes nothing: at `begin`, and at every change before `end`."""
        calendar, now = Calendar(), begin
        windows = [window for window in self._windows if window.blocks]
        for _ in range(MOST_EDGES):
            spans = {window.name: calendar.at(window.times, self._epoch + now) for window in windows}
            yield now, tuple(name for name, span in spans.items() if span.open)
            edges = [span.until - self._epoch for span in spans.values() if span.until is not None]
            now = min(edges, default=end)
            if now >= end:
                return
        raise InputInvalid("windows open and close too often to follow it", hint="let `until` come sooner")

    def windows_named(self, names: Sequence[str]) -> set[Origin]:
        """Where the device's windows of these names stand."""
        return {window.item.origin for window in self._windows if window.name in names}

    def channels_named(self, names: Sequence[str]) -> set[Key]:
        """The channels of these names that the device's alerts are told to."""
        return {self._channels[name].key for name in names if name in self._channels}

    def _scene(self, rule: Rule, check: str) -> Scene:
        if self._routing is None:
            self._routing = routing_of(self._sources, self.device.place.customer)
        acks = tuple(
            Ack(ack.at * 1000, None if ack.lasting is None else (ack.at + ack.lasting) * 1000)
            for ack in self._test.acknowledge
            if ack.alert in self.rules and self.rules[ack.alert][0].key == rule.key and ack.check in (None, check)
        )
        return Scene(
            routes=self._routing.routes(rule, self.device),
            windows=tuple((window.name, window.times) for window in self._windows if window.quiet),
            acks=acks,
            mute_ends=frozenset(
                name for name, item in self._channels.items()
                if isinstance(item.spec, Webhook | Email) and not item.spec.send_resolved
            ),
            epoch=self._epoch,
        )
