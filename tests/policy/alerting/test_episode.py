"""When an alert begins, fires and ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guru_policy.alerting.episode import Episode, Phase, Reading, Timing, due, event_of, follow
from guru_policy.verdict import State

WARN = Timing("warning", hold=60, keep=30)
NOW = 1000


def pending(started: int) -> Episode:
    return Episode(Phase.pending, started)


def firing(started: int, fired: int, cleared: int | None = None) -> Episode:
    return Episode(Phase.firing, started, fired, cleared)


@pytest.mark.parametrize(
    ("before", "reading", "after"),
    [
        (None, Reading(State.ok, 0), None),
        (None, Reading(State.warning, NOW), pending(NOW)),
        (None, Reading(State.critical, NOW - 59), pending(NOW - 59)),
        (None, Reading(State.critical, NOW - 60), firing(NOW - 60, NOW)),
        (None, Reading(State.warning, NOW + 500), pending(NOW)),
        (pending(950), Reading(State.ok, NOW), None),
        (pending(950), Reading(State.warning, 950), pending(950)),
        (pending(940), Reading(State.critical, 990), firing(940, NOW)),
        (firing(800, 860), Reading(State.critical, 800), firing(800, 860)),
        (firing(800, 860), Reading(State.ok, 990), firing(800, 860, cleared=990)),
        (firing(800, 860, cleared=990), Reading(State.warning, 995), firing(800, 860)),
        (firing(800, 860), Reading(State.ok, 970), Episode(Phase.resolved, 800, 860, 970, NOW)),
        (Episode(Phase.resolved, 800, 860, 970, 990), Reading(State.ok, 970), None),
        (Episode(Phase.resolved, 800, 860, 970, 990), Reading(State.critical, 995), pending(995)),
    ],
)
def test_a_reading_moves_an_alert_along(
    before: Episode | None, reading: Reading, after: Episode | None
) -> None:
    assert follow(WARN, before, reading, NOW) == after


def test_a_rule_for_critical_does_not_mind_a_warning() -> None:
    assert follow(Timing("critical"), None, Reading(State.warning, 0), NOW) is None


def test_a_rule_for_critical_waits_anew_when_the_check_was_better_between_two_looks() -> None:
    critical = Timing("critical", hold=60)

    assert follow(critical, pending(940), Reading(State.critical, 990), NOW) == pending(990)


states = st.sampled_from(list(State))
looks = st.lists(st.tuples(st.integers(1, 50), states), max_size=60)
timings = st.builds(
    Timing, st.sampled_from(["warning", "critical"]), hold=st.integers(0, 120), keep=st.integers(0, 120)
)


def story(timing: Timing, looks: list[tuple[int, State]]) -> list[tuple[int, State, Episode | None]]:
    """What a sweep sees at each look, the check changing at exactly these moments."""
    now, since, last, episode, told = 1000, 1000, None, None, []
    for step, state in looks:
        now += step
        since, last = (since, last) if state is last else (now, state)
        episode = follow(timing, episode, Reading(state, since), now)
        told.append((now, state, episode))
        if episode and episode.phase is Phase.resolved:
            episode = None
    return told


def breach(timing: Timing, state: State) -> bool:
    return state is State.critical or (state is State.warning and timing.threshold == "warning")


@given(timings, looks)
def test_an_alert_never_fires_before_its_time(timing: Timing, looks: list[tuple[int, State]]) -> None:
    began: int | None = None
    for now, state, episode in story(timing, looks):
        if state is State.unknown:
            continue
        began = (now if began is None else began) if breach(timing, state) else None
        if episode and episode.phase is Phase.firing and episode.fired_at == now:
            assert began is not None
            assert now - began >= timing.hold


@given(timings, looks, st.integers(1, 10_000))
def test_unknown_never_changes_an_alert(timing: Timing, looks: list[tuple[int, State]], later: int) -> None:
    for now, _, episode in story(timing, looks):
        assert follow(timing, episode, Reading(State.unknown, now), now + later) == episode


@given(timings, looks)
def test_an_episode_fires_once_and_ends_once(timing: Timing, looks: list[tuple[int, State]]) -> None:
    phases = [episode.phase if episode else None for _, _, episode in story(timing, looks)]
    fired = sum(
        1 for before, after in zip([None, *phases], phases, strict=False)
        if after is Phase.firing and before is not Phase.firing
    )
    ended = phases.count(Phase.resolved)

    assert fired - ended in (0, 1)
    assert (fired - ended == 1) == (Phase.firing in phases[-1:])


@given(timings, looks)
def test_an_alert_ends_only_after_keep_firing_without_a_breach(
    timing: Timing, looks: list[tuple[int, State]]
) -> None:
    for now, state, episode in story(timing, looks):
        if episode and episode.phase is Phase.resolved:
            assert not breach(timing, state)
            assert now - (episode.cleared_at or 0) >= timing.keep


@given(timings, looks)
def test_nothing_changes_before_it_is_due_and_something_does_then(
    timing: Timing, looks: list[tuple[int, State]]
) -> None:
    since, last = 1000, None
    for now, state, episode in story(timing, looks):
        since, last = (since, last) if state is last else (now, state)
        when = due(timing, episode)
        if state is State.unknown or when is None:
            continue
        reading = Reading(state, since)

        assert follow(timing, episode, reading, max(now, when - 1)) == episode
        assert follow(timing, episode, reading, when) != episode


@pytest.mark.parametrize(("before", "after", "event"), [
    (None, pending(1), None), (None, firing(1, 2), "firing"), (pending(1), firing(1, 2), "firing"),
    (pending(1), None, None), (firing(1, 2), firing(1, 2, cleared=3), None),
    (firing(1, 2), Episode(Phase.resolved, 1, 2, 3, 4), "resolved"),
])
def test_channels_are_told_when_an_alert_fires_and_when_it_ends(
    before: Episode | None, after: Episode | None, event: str | None
) -> None:
    assert event_of(before, after) == event
