"""The brake counts distinct devices of the last hour, over restarts, too, and lets a second person through."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.errors import InputInvalid
from guru_server.signer import brake as braking
from guru_server.signer.brake import Brake, Braked

NOW, HOUR = 1_700_000_000_000, 3_600_000
LIMITS: dict[braking.Kind, int] = {"commands": 3, "states": 5}


def names(first: int, count: int) -> list[str]:
    return [f"{at:032x}" for at in range(first, first + count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signer.log"


def test_more_distinct_devices_than_allowed_are_held_and_none_of_them_is_counted() -> None:
    brake = Brake(None, LIMITS)
    brake.take("commands", "main", names(0, 3), NOW)
    brake.take("commands", "main", names(0, 3), NOW + 1)
    with pytest.raises(Braked, match="orders for 4 devices within an hour, and 3 are allowed"):
        brake.take("commands", "main", names(2, 2), NOW + 2)

    assert brake.counted("commands", NOW + 3) == 3
    brake.take("states", "main", names(0, 5), NOW + 3)
    with pytest.raises(Braked):
        brake.take("commands", "other", names(0, 1), NOW + 4)


def test_an_hour_later_others_may_follow() -> None:
    brake = Brake(None, LIMITS)
    brake.take("commands", "main", names(0, 3), NOW)

    brake.take("commands", "main", names(7, 3), NOW + HOUR)
    assert brake.counted("commands", NOW + HOUR) == 3


def test_a_restart_forgets_neither_counts_nor_releases_and_passes_over_a_line_that_was_cut_off(path: Path) -> None:
    first = Brake(path, LIMITS, NOW)
    first.take("commands", "main", names(0, 2), NOW)
    first.release("commands", 2, NOW + HOUR, "patch day", 1000, NOW)
    with path.open("a") as file:
        file.write('\n["commands",17')
    second = Brake(path, LIMITS, NOW + 1)
    second.take("commands", "main", names(2, 3), NOW + 1)

    with pytest.raises(Braked):
        second.take("commands", "main", names(9, 1), NOW + 2)
    assert [one.reason for one in Brake(path, LIMITS, NOW + 2).releases] == ["patch day"]
    assert Brake(path, LIMITS, NOW + 2).counted("commands", NOW + 2) == 5


def test_a_release_ends(path: Path) -> None:
    brake = Brake(path, LIMITS, NOW)
    brake.release("states", 100, NOW + 1000, "a new customer", 0, NOW)

    assert brake.allowed("states", NOW + 999) == 105
    assert brake.allowed("states", NOW + 1000) == 5
    for wrong in ((0, NOW + 1, "r"), (5, NOW, "r"), (5, NOW + 25 * HOUR, "r"), (5, NOW + 1, " ")):
        with pytest.raises(InputInvalid):
            brake.release("states", wrong[0], wrong[1], wrong[2], 0, NOW)


def test_the_file_is_written_anew_when_it_grew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(braking, "COMPACT", 2_000)
    brake = Brake(path, LIMITS, NOW)
    for at in range(200):
        brake.take("states", "main", names(0, 5), NOW + at)

    assert path.stat().st_size < 3_000
    assert Brake(path, LIMITS, NOW + 200).counted("states", NOW + 200) == 5


def test_a_clock_that_jumped_ahead_and_back_holds_nothing_up() -> None:
    brake = Brake(None, LIMITS)
    brake.take("commands", "main", names(0, 3), NOW + 100 * HOUR)

    brake.take("commands", "main", names(5, 3), NOW)

    assert brake.counted("commands", NOW) == 3              # what was signed in a time that has not come counts no more
