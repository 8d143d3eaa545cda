"""A device that changes all the time costs few compiles in each rest, and keeps nobody else waiting."""

from __future__ import annotations

from guru_server.gitops.turns import Turns


def test_a_device_that_flips_has_a_few_turns_in_each_rest() -> None:
    turns = Turns(rest=30.0, most=5, now=0.0)
    taken = [bool(turns.take({"flips"}, now / 10)) for now in range(1, 1_000)]

    assert sum(taken) == 20
    assert all(taken[:5])


def test_others_have_their_turn_beside_it() -> None:
    turns = Turns(rest=30.0, most=1, now=0.0)
    turns.take({"flips"}, 1.0)

    assert turns.take({"flips", "new"}, 2.0) == {"new"}
    assert turns.take({"another"}, 3.0) == {"another"}


def test_a_change_that_waits_is_never_forgotten() -> None:
    turns = Turns(rest=30.0, most=1, now=0.0)
    turns.take({"flips"}, 1.0)
    turns.take({"flips"}, 2.0)

    assert turns.until(10.0) == 20.0
    assert turns.take((), 31.0) == {"flips"}
    assert turns.until(31.0) is None
