"""Chunks and roll-ups: what goes in comes out, in few bytes."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.errors import InputInvalid
from guru_server.telemetry import chunks, rolling
from guru_server.telemetry.packing import doubles, pack, unpack
from tests.bench.fleet_sim.machine import METRICS, Machine

NAN = math.nan
NOW = 1_700_000_000_000


def same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


values = st.one_of(st.just(NAN), st.integers(-(10**6), 10**6).map(lambda n: n / 1000), st.just(0.0))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[values] * n), min_size=1, max_size=40)))
def test_values_of_up_to_three_digits_come_back_exactly(rows: list[tuple[float, ...]]) -> None:
    width = len(rows[0])
    packed = [(NOW + 60_000 * n + n % 7, doubles(width).pack(*row)) for n, row in enumerate(rows)]

    found = chunks.decode(chunks.encode(packed, [3] * width))

    assert [ts for ts, _ in found] == [ts for ts, _ in packed]
    for (_, vals), row in zip(found, rows, strict=True):
        assert all(map(same, unpack(vals), row))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=40))
def test_any_float_is_kept_to_its_scale_and_infinity_becomes_absent(column: list[float]) -> None:
    packed = [(NOW + n, doubles(1).pack(value)) for n, value in enumerate(column)]

    found = [value for _, value in chunks.decode_one(chunks.encode(packed, [3]), 0)]

    for value, kept in zip(column, found, strict=True):
        assert (math.isnan(kept) if not math.isfinite(value) else abs(kept - value) <= 0.0005000001)


def test_six_hours_of_plausible_samples_take_less_than_one_and_a_half_bytes_a_sample() -> None:
    sizes = []
    for name in ("sim-1", "sim-2", "sim-3", "sim-4"):
        machine = Machine(name, ())
        rows = []
        for minute in range(360):
            sample = pack(["0" * 16, NOW + minute * 60_000 + random.Random(minute).randrange(40),
                           machine.sample(minute * 60.0)], now=NOW + 10**8)
            rows.append((sample.ts, sample.vals))
        sizes.append(len(chunks.encode(rows, [3] * len(METRICS))))

    assert sum(sizes) / len(sizes) / 360 / len(METRICS) < 1.5


@pytest.mark.parametrize("cut", [0, 1, 10, 20])
def test_a_damaged_chunk_says_so(cut: int) -> None:
    data = chunks.encode([(NOW + n, doubles(1).pack(n * 1.5)) for n in range(100)], [3])

    with pytest.raises(InputInvalid):
        chunks.decode(data[:cut])


def test_summaries_of_parts_make_the_summary_of_the_whole() -> None:
    parts = [[1.0, 5.0, NAN], [], [NAN], [2.0, 4.0, 3.0]]

    joined = rolling.joined([rolling.summed(part) for part in parts])

    assert joined == rolling.Summary(5, 1.0, 3.0, 5.0, 3.0)
    assert rolling.decode(rolling.encode([joined, rolling.Summary()])) == [joined, rolling.Summary()]


@pytest.mark.parametrize(
    "body",
    [
        None, {}, [], ["x", NOW, [1]], ["0" * 16, NOW], ["0" * 16, "1", [1]], ["0" * 16, NOW, []],
        ["0" * 16, NOW, ["1"]], ["0" * 16, NOW, [[1]]], ["0" * 16, NOW, [1] * 257], ["0" * 16, True, [1]],
        ["0" * 16, NOW + 10**9, [1]], ["0" * 16, NOW - 40 * 86_400_000, [1]], ["G" * 16, NOW, [1]],
        ["0" * 16, NOW, [10**400]],
    ],
)
def test_a_sample_that_is_none_is_refused(body: object) -> None:
    with pytest.raises(InputInvalid):
        pack(body, now=NOW)  # type: ignore[arg-type]  # on purpose: what a hostile agent sends
