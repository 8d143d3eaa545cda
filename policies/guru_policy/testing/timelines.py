"""The claims of a test about alerts over time, on a simulated clock. It notifies nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guru_policy.alerting.rule import Rule, rule_of
from guru_policy.alerting.simulating import Change, Heard, History, heard_of, history_of
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.kinds.test import Moments, Test
from guru_policy.objects.object import Object
from guru_policy.quantities import shown
from guru_policy.testing.outcome import Exercised, Failure
from guru_policy.text.suggesting import did_you_mean

NO_WINDOWS = "the server carries out no maintenance windows yet"


class Timelines:
    """The timeline of one test. `checks` are those that its device gets."""

    def __init__(
        self, item: Object, test: Test, sources: Sources, device: Device, checks: Sequence[str]
    ) -> None:
        self._item, self._test, self._device, self._checks = item, test, device, checks
        customer = device.place.customer
        self._rules: dict[str, tuple[Rule, Object]] = {
            rule.name: (rule_of(rule, sources), rule) for rule in sources.alert_rules(customer)
        } if test.timeline else {}
        self._heard: dict[str, tuple[Heard, ...]] = {}
        self._histories: dict[tuple[str, str], History] = {}
        self._until = max((moment.at for moment in test.timeline), default=0) * 1000

    @property
    def exercised(self) -> Exercised:
        """The rules that were claimed to begin, fire, end or tell somebody."""
        return Exercised(rules=frozenset(
            self._rules[moment.alert][0].key for moment in self._test.timeline
            if moment.alert in self._rules and (moment.state not in (None, "inactive") or moment.notified)
        ))

    def failures(self) -> Iterator[Failure]:
        """The claims that do not hold."""
        for check in self._test.series:
            if check not in self._checks:
                yield Failure(self._item.at(("series", check)), f"series.{check}", "a check of the device",
                              "no such check", hint=did_you_mean(check, self._checks))
        for index, moment in enumerate(self._test.timeline):
            yield from self._moment(index, moment)

    def _moment(self, index: int, moment: Moments) -> Iterator[Failure]:
        here = self._item.at(("timeline", index))
        claim = f"at {written(moment.at)}: {moment.alert}"
        if moment.alert not in self._rules:
            yield Failure(here, claim, "an alert rule", "no such rule")
            return
        rule, item = self._rules[moment.alert]
        meant = [check for check in self._test.series if rule.names(check) and moment.check in (None, check)]
        if not meant:                   # a claim about nothing would always hold
            wanted = f"a series of check {shown(moment.check or rule.spec.check)}, which the rule is about"
            yield Failure(here, claim, wanted, "none", hint=did_you_mean(moment.check or "", self._test.series))
            return
        checks = [check for check in meant if rule.watches(self._device, check)]
        if len(checks) > 1:
            yield Failure(here, claim, "`check`, since the rule watches several of the series", ", ".join(checks))
            return
        change, since = self._at(rule, checks[0], moment.at) if checks else (Change(0, "inactive", told=False), "")
        why = f"{item.origin} ({rule.key})"
        if not checks:
            why += ", whose selector leaves this device out"
        if moment.state is not None and moment.state != change.state:
            place = self._item.at(("timeline", index, "state"))
            yield Failure(place, claim, moment.state, change.state + since, why)
        told = set(rule.spec.notify) if change.told else set()
        if moment.notified is not None and set(moment.notified) != told:
            place = self._item.at(("timeline", index, "notified"))
            yield Failure(place, claim, _listed(moment.notified), _listed(sorted(told)), why)
        if moment.muted is not None:
            place = self._item.at(("timeline", index, "muted"))
            yield Failure(place, claim, f"muted by {moment.muted}", "an alert that nothing mutes",
                          hint=f"{NO_WINDOWS}, so a test cannot show one either")

    def _at(self, rule: Rule, check: str, seconds: int) -> tuple[Change, str]:
        """The state then, and since when it is so."""
        if check not in self._heard:
            self._heard[check] = heard_of(self._test.series[check], self._test.every * 1000)
        if (rule.key, check) not in self._histories:
            self._histories[rule.key, check] = history_of(rule.timing, self._heard[check], self._until)
        change = self._histories[rule.key, check].at(seconds * 1000)
        return change, f" since {written(change.at // 1000)}" if change.state != "inactive" else ""


def written(seconds: int) -> str:
    """Seconds as people write them: `1h30m`."""
    text = ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _listed(names: Sequence[str]) -> str:
    return f"notified {shown(', '.join(names))}" if names else "nobody notified"
