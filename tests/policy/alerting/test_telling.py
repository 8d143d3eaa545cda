"""Whom an alert is told to: each step once a round, on clocks that stand still while it is muted or taken up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from guru_policy.alerting.telling import RULE, Progress, Route, Step, Telling, after, due, next_due, seen

MINUTE = 60_000
DESK = Step("org/e/desk", 0, ("noc",))
ON_CALL = Step("org/e/on-call", 15 * MINUTE, ("oncall@msp.example",))
OWNER = Step("org/e/owner", 60 * MINUTE, ("owner@msp.example",), heeds=False)
STEPS = Route((DESK, ON_CALL, OWNER))
AGAIN = Route((DESK, ON_CALL), period=45 * MINUTE, rounds=3)


class Alert:
    """An alert that fires from 0 on, looked at minute by minute."""

    def __init__(self, *routes: Route) -> None:
        self.routes, self.progress, self.now = routes, None, 0

    def look(self, minute: float, *, muted: tuple[str, ...] = (), acked: bool = False) -> list[str]:
        """The steps that are told at this minute."""
        self.now = int(minute * MINUTE)
        progress = seen(self.progress, self.now, muted, self.now if acked else None)
        tellings = due(self.routes, progress, self.now)
        self.progress = after(progress, tellings)
        return [one.step.rpartition("/")[2] + (f"#{one.round}" if one.round else "") for one in tellings]


def test_each_step_is_told_at_its_time_and_never_again() -> None:
    alert = Alert(STEPS)

    assert [alert.look(minute) for minute in (0, 1, 15, 16, 60, 600)] == [
        ["desk"], [], ["on-call"], [], ["owner"], []]


def test_what_somebody_took_up_waits_and_goes_on_where_it_was() -> None:
    alert = Alert(STEPS)
    story = [alert.look(0), alert.look(10, acked=True), alert.look(60, acked=True), alert.look(130),
             alert.look(134), alert.look(135)]

    assert story == [["desk"], [], ["owner"], [], [], ["on-call"]]


def test_what_a_window_mutes_is_told_when_it_closes_and_no_step_is_hurried() -> None:
    alert = Alert(STEPS)
    story = [alert.look(0, muted=("night",)), alert.look(180, muted=("night",)), alert.look(181), alert.look(196)]

    assert story == [[], [], ["desk"], ["on-call"]]


def test_steps_begin_again_as_often_as_they_may() -> None:
    alert = Alert(AGAIN)
    told = [(minute, *steps) for minute in range(300) if (steps := alert.look(minute))]

    assert told == [(0, "desk"), (15, "on-call"), (45, "desk#1"), (60, "on-call#1"), (90, "desk#2"), (105, "on-call#2")]


def test_of_rounds_that_nobody_saw_only_the_newest_is_told() -> None:
    alert = Alert(AGAIN)
    alert.look(0)

    assert alert.look(500) == ["desk#2", "on-call#2"]
    assert alert.look(501) == []


def test_who_is_named_twice_at_the_same_moment_hears_it_once() -> None:
    rule = Route((Step(RULE, 0, ("noc", "desk")),))
    tellings = due((rule, STEPS), seen(None, 0, (), None), 0)

    assert tellings == (Telling(RULE, 0, ("noc", "desk")), Telling("org/e/desk", 0, ()))


def test_a_clock_that_jumped_ahead_and_came_back_keeps_nobody_waiting_for_years() -> None:
    alert = Alert(STEPS)
    alert.look(0)
    alert.look(500_000, muted=("night",))
    alert.look(1, muted=())
    alert.progress = replace(alert.progress, rounds={"org/e/desk": 0}, waited=0, heard=0)

    assert alert.look(16) == ["on-call"]


def test_what_is_looked_at_late_was_taken_up_when_it_was() -> None:
    progress = seen(seen(None, 0, (), None), 60 * MINUTE, (), 10 * MINUTE)

    assert (progress.waited, progress.heard, progress.acknowledged) == (10 * MINUTE, 60 * MINUTE, True)


looks = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans()), max_size=60)
steps = st.builds(
    lambda ats, heed: tuple(Step(f"s{n}", at * MINUTE, (f"c{n}",), h) for n, (at, h) in
                            enumerate(zip(sorted(ats), heed, strict=False))),
    st.sets(st.integers(0, 90), min_size=1, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
routes = st.builds(lambda s, every, rounds: Route(s, s[-1].after + every * MINUTE, rounds), steps, st.integers(1, 60),
                   st.integers(1, 5))


@given(routes, looks)
def test_no_step_of_a_round_is_ever_told_twice_or_while_it_is_quiet(
    route: Route, looks: list[tuple[int, bool, bool]]
) -> None:
    now, progress, told = 0, None, []
    heeds = {step.key: step.heeds for step in route.steps}
    for later, muted, acked in looks:
        now += later * MINUTE
        progress = seen(progress, now, ("w",) if muted else (), now if acked else None)
        tellings = due((route,), progress, now)
        progress = after(progress, tellings)
        told += [(one.step, one.round) for one in tellings]
        assert not (muted and tellings)
        assert not any(acked and heeds[one.step] for one in tellings)

    assert len(told) == len(set(told))
    for step in route.steps:
        rounds = [number for key, number in told if key == step.key]
        assert rounds == sorted(rounds)


@given(routes, looks)
def test_nothing_comes_due_before_it_is_foretold_and_something_does_then(
    route: Route, looks: list[tuple[int, bool, bool]]
) -> None:
    now, progress = 0, None
    for later, muted, acked in looks:
        now += later * MINUTE
        progress = seen(progress, now, ("w",) if muted else (), now if acked else None)
        progress = after(progress, due((route,), progress, now))
        when = next_due((route,), progress, now)
        if when is None:
            assert due((route,), progress, now + 10**9) == ()
        else:
            assert due((route,), progress, when - 1) == ()
            assert due((route,), progress, when) != ()


@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.booleans()), max_size=30))
def test_clocks_never_run_backwards_and_the_patient_one_is_never_ahead(looks: list[tuple[int, bool, bool]]) -> None:
    progress: Progress | None = None
    for now, muted, acked in looks:             # a clock of any kind
        before = progress
        progress = seen(before, now, ("w",) if muted else (), now if acked else None)
        assert 0 <= progress.waited <= progress.heard
        assert before is None or progress.heard >= before.heard
