"""Every benchmark runs, at sizes that measure nothing: so that none of them rots."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench import (
    bench_agent,
    bench_cli,
    bench_fleet,
    bench_ingest,
    bench_jobs,
    bench_language,
    bench_large,
    bench_plan,
    bench_push,
    bench_query,
    bench_server,
    bench_top,
    bench_transfer,
)
from tests.bench.figures import Figure
from tests.bench.sizes import TINY
from tests.bench.stage import server_of
from tools.lab.world import World


def whole(figures: list[Figure]) -> bool:
    """Whether these are figures, budgets among them."""
    return all(figure.value >= 0 for figure in figures) and any(figure.budget is not None for figure in figures)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with server_of(TINY) as made:
        yield made


def test_jobs_are_measured() -> None:
    assert whole(bench_jobs.run(TINY))


def test_queries_are_measured() -> None:
    assert whole(bench_query.run(TINY))


def test_transfers_are_measured() -> None:
    assert whole(bench_transfer.run(TINY))


def test_the_language_is_measured() -> None:
    assert whole(bench_language.run(TINY))


def test_ingest_is_measured() -> None:
    assert whole(bench_ingest.run(TINY))


def test_pushes_are_measured_and_a_sync_that_finds_nothing_writes_nothing(world: World) -> None:
    found = bench_push.measured(world, TINY)

    assert whole(found)
    assert [one.what for one in found if one.unit == ""] == ["tables that such a sync changes"]


def test_the_command_line_is_measured(world: World) -> None:
    assert whole(bench_cli.measured(world, TINY))


def test_plans_are_measured(world: World) -> None:
    assert whole(bench_plan.measured(world, TINY))


def test_a_simulated_fleet_is_measured() -> None:
    assert whole(bench_fleet.run(TINY))


def test_a_repository_ten_times_as_large_is_measured() -> None:
    assert whole(bench_large.run(TINY))


def test_an_empty_server_is_measured() -> None:
    assert whole(bench_server.run(TINY))


def test_a_real_agent_is_measured() -> None:
    assert whole(bench_agent.run(TINY))


def test_the_screen_of_a_fleet_is_measured() -> None:
    found = bench_top.run(TINY)

    assert all(figure.value > 0 for figure in found)
    assert any("on the screen" in figure.what for figure in found)
