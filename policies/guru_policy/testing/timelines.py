"""The claims of a test about alerts and windows over time, on a simulated clock. It notifies nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from guru_policy.alerting.rule import Rule
from guru_policy.alerting.simulating import Change, History
from guru_policy.errors import InputInvalid
from guru_policy.faults import Origin
from guru_policy.kinds.test import Acknowledgement, Moments, Test
from guru_policy.objects.object import Key, Object
from guru_policy.quantities import shown
from guru_policy.testing.outcome import Exercised, Failure
from guru_policy.testing.stage import Stage
from guru_policy.text.suggesting import did_you_mean


class _Meant(NamedTuple):
    """The alert that a claim is about: its rule, and the series of its check; without one the rule leaves it out."""

    rule: Rule
    item: Object
    check: str | None


class Timelines:
    """The timeline of one test. `checks` are those that its device gets."""

    def __init__(self, item: Object, test: Test, stage: Stage, checks: Sequence[str]) -> None:
        self._item, self._test, self._stage, self._checks = item, test, stage, checks

    @property
    def exercised(self) -> Exercised:
        """What becomes of something by a claim: rules, steps of escalations, channels, windows."""
        rules: set[str] = set()
        steps: set[str] = set()
        channels: set[Key] = set()
        windows: set[Origin] = set()
        for index, moment in enumerate(self._test.timeline):
            windows |= self._stage.windows_named((*(moment.muted or ()), *(moment.blocked or ())))
            told = (*(moment.notified or ()), *(moment.told or ()))
            channels |= self._stage.channels_named(told)
            meant = self._meant(moment, self._item.at(("timeline", index)))
            if not isinstance(meant, _Meant):
                continue
            if moment.state not in (None, "inactive") or told or moment.acknowledged or moment.muted:
                rules.add(meant.rule.key)
            if told and meant.check is not None:
                with suppress(InputInvalid):        # `failures` says so
                    history = self._stage.history(meant.rule, meant.check)
                    steps |= history.steps(moment.at * 1000, told, only_then=moment.notified is None)
        return Exercised(
            rules=frozenset(rules), steps=frozenset(steps), channels=frozenset(channels), windows=frozenset(windows),
        )

    def failures(self) -> Iterator[Failure]:
        """The claims that do not hold."""
        for check in self._test.series:
            if check not in self._checks:
                yield Failure(self._item.at(("series", check)), f"series.{check}", "a check of the device",
                              "no such check", hint=did_you_mean(check, self._checks))
        try:
            yield from self._acknowledged()
            for index, moment in enumerate(self._test.timeline):
                yield from self._moment(index, moment)
        except InputInvalid as cause:
            yield Failure(self._item.at(("timeline",)), "timeline", "a timeline that can be played", cause.message,
                          hint=cause.hint)

    def _acknowledged(self) -> Iterator[Failure]:
        """Alerts that were to be taken up when they did not fire."""
        for index, ack in enumerate(self._test.acknowledge):
            here = self._item.at(("acknowledge", index))
            claim = f"acknowledge at {written(ack.at)}: {ack.alert}"
            meant = self._meant(ack, here)
            if isinstance(meant, Failure):
                yield meant._replace(claim=claim)
                continue
            history = self._stage.history(meant.rule, meant.check) if meant.check is not None else History(())
            if meant.check is None or any(one.at == ack.at * 1000 for one in history.in_vain):
                change = history.at(ack.at * 1000)
                yield Failure(here, claim, "an alert that fires", change.state + since(change), _by(meant))

    def _moment(self, index: int, moment: Moments) -> Iterator[Failure]:
        here = self._item.at(("timeline", index))
        if moment.blocked is not None:
            yield from self._blocked(index, moment, moment.blocked)
        if moment.alert is None:
            return
        meant = self._meant(moment, here)
        if isinstance(meant, Failure):
            yield meant
            return
        begin, end = moment.at * 1000, (moment.until or moment.at) * 1000
        if meant.check is None:
            changes = [Change(0, "inactive")]
        else:
            changes = list(self._stage.history(meant.rule, meant.check).during(begin, end))
        for change in changes:
            failures = list(self._compared(index, moment, change, meant))
            yield from failures
            if failures:                # one is enough of a claim that was to hold for a while
                return

    def _compared(self, index: int, moment: Moments, change: Change, meant: _Meant) -> Iterator[Failure]:
        at = max(moment.at * 1000, change.at)
        claim, why = f"at {written(at // 1000)}: {moment.alert}", _by(meant)
        told = change.now if change.at == moment.at * 1000 else ()
        for field, wanted, got, shows in (
            ("state", moment.state, change.state, change.state + since(change)),
            ("notified", _set(moment.notified), set(change.told), _told("notified", change.told)),
            ("told", _set(moment.told), set(told), _told("told", told)),
            ("muted", _set(moment.muted), set(change.muted), _muted(change.muted)),
            ("acknowledged", moment.acknowledged, change.acknowledged, _acked(change.acknowledged)),
        ):
            if wanted is None or wanted == got:
                continue
            hint = ""
            if field == "muted" and change.state != "firing":
                hint = f"only an alert that fires is muted, and this one is {change.state}"
            yield Failure(self._item.at(("timeline", index, field)), claim, _said(field, moment), shows, why, hint)

    def _blocked(self, index: int, moment: Moments, names: Sequence[str]) -> Iterator[Failure]:
        begin, end = moment.at * 1000, (moment.until or moment.at) * 1000
        for at, found in self._stage.blocking(begin, end):
            if set(names) != set(found):
                place = self._item.at(("timeline", index, "blocked"))
                yield Failure(place, f"at {written(max(begin, at) // 1000)}", _in_window(names), _in_window(found))
                return

    def _meant(self, claim: Moments | Acknowledgement, here: Origin) -> _Meant | Failure:
        """The alert of a claim, or why there is none."""
        name = claim.alert or ""
        about = f"at {written(claim.at)}: {name}"
        known = self._stage.rules.get(name)
        if known is None:
            return Failure(here, about, "an alert rule", "no such rule")
        rule, item = known
        meant = [check for check in self._test.series if rule.names(check) and claim.check in (None, check)]
        if not meant:                   # a claim about nothing would always hold
            wanted = f"a series of check {shown(claim.check or rule.spec.check)}, which the rule is about"
            return Failure(here, about, wanted, "none", hint=did_you_mean(claim.check or "", self._test.series))
        checks = [check for check in meant if rule.watches(self._stage.device, check)]
        if len(checks) > 1:
            wanted = "`check`, since the rule watches several of the series"
            return Failure(here, about, wanted, ", ".join(checks))
        return _Meant(rule, item, checks[0] if checks else None)


def since(change: Change) -> str:
    """` since 5m`, for people; nothing of an alert that never was."""
    return f" since {written(change.at // 1000)}" if change.state != "inactive" else ""


def written(seconds: int) -> str:
    """Seconds as people write them: `1h30m`."""
    text = ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _by(meant: _Meant) -> str:
    why = f"{meant.item.origin} ({meant.rule.key})"
    return why if meant.check is not None else f"{why}, whose selector leaves this device out"


def _set(names: Sequence[str] | None) -> set[str] | None:
    return None if names is None else set(names)


def _said(field: str, moment: Moments) -> str:
    """What was claimed, in the words in which it is told how it is."""
    match field:
        case "notified" | "told":
            return _told(field, (moment.notified if field == "notified" else moment.told) or ())
        case "muted":
            return _muted(moment.muted or ())
        case "acknowledged":
            return _acked(bool(moment.acknowledged))
    return str(moment.state)


def _told(word: str, names: Sequence[str]) -> str:
    return f"{word} {shown(', '.join(sorted(names)))}" if names else f"nobody {word}"


def _muted(names: Sequence[str]) -> str:
    return f"muted by {shown(', '.join(sorted(names)))}" if names else "nothing that mutes it"


def _acked(acknowledged: bool) -> str:
    return "acknowledged" if acknowledged else "acknowledged by nobody"


def _in_window(names: Sequence[str]) -> str:
    return f"changes blocked by {shown(', '.join(sorted(names)))}" if names else "changes that nothing blocks"
