"""The garbage collector rests during a compile, and only then."""

from __future__ import annotations

import gc

import pytest

from guru_server.collecting import uncollected


def failing(seen: list[bool]) -> None:
    """Fail inside, after another compile inside ended."""
    with uncollected():
        seen.append(gc.isenabled())
        with uncollected():
            pass
        seen.append(gc.isenabled())
        raise KeyError


def test_the_collector_rests_inside_and_works_again_after_an_error() -> None:
    seen: list[bool] = []
    with pytest.raises(KeyError):
        failing(seen)

    assert seen == [False, False]
    assert gc.isenabled()
