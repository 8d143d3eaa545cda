"""The spool keeps its bound, its order and every result, over restarts, full disks and torn files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_agent.state.spool import LAYOUTS, LOST, OVERHEAD, Spool
from guru_agent.state.store import StoreFull, open_store

LIMIT = 20_000
ITEMS = st.lists(st.tuples(st.booleans(), st.integers(1, 900)), max_size=80)


@settings(max_examples=60, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=3))
def test_results_are_never_dropped_and_sequences_only_grow(runs: list[list[tuple[bool, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        results: list[bytes] = []
        highest, size = 0, 0
        for number, run in enumerate(runs):
            store = open_store(Path(folder), 1)
            spool = Spool(store, LIMIT)
            for step, (is_result, length) in enumerate(run):
                body = b'"%d"' % length + b" " * length
                if is_result and size + len(body) + OVERHEAD <= LIMIT:
                    size += len(body) + OVERHEAD
                    results.append(body)
                    spool.add_result("report", body, same=f"{number}/{step}", subject="report")
                elif not is_result:
                    spool.add_sample(body)
                assert spool.last >= highest
                highest = spool.last
                assert spool.depth.bytes <= LIMIT
            waiting = spool.batch(10_000, 1 << 30)
            assert [item.body for item in waiting if item.kind == "report"] == results
            assert [item.seq for item in waiting] == sorted({item.seq for item in waiting})
            store.close()


def test_a_sequence_is_not_used_again_after_everything_was_acknowledged(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    spool = Spool(store)
    for _ in range(3):
        spool.add_sample(b"[]")
    spool.acknowledge(3)
    store.close()
    spool = Spool(open_store(tmp_path, 1))
    spool.add_sample(b"[]")

    assert [item.seq for item in spool.batch(10, 1000)] == [4]


def test_the_oldest_samples_make_room(tmp_path: Path) -> None:
    spool = Spool(open_store(tmp_path, 1), 10 * (100 + OVERHEAD))
    spool.add_result("facts", b"x" * 100, same="facts", subject="facts")
    for _ in range(20):
        spool.add_sample(b"y" * 100)

    assert [item.seq for item in spool.batch(100, 1 << 20)] == [1, *range(13, 22)]
    assert spool.depth.dropped == 11


def test_an_unsent_result_that_says_the_same_is_replaced(tmp_path: Path) -> None:
    spool = Spool(open_store(tmp_path, 1))
    spool.add_result("report", b"1", same="a", subject="report")
    spool.add_result("report", b"2", same="b", subject="report")
    spool.add_result("report", b"3", same="a", subject="report")

    assert [item.body for item in spool.batch(10, 1000)] == [b"2", b"3"]


def test_once_results_alone_fill_it_the_newest_of_each_subject_stays(tmp_path: Path) -> None:
    spool = Spool(open_store(tmp_path, 1), 2000)
    spool.add_result("facts", b"facts", same="facts", subject="facts")
    for number in range(100):
        spool.add_result("checks", b"%03d" % number * 50, same=str(number), subject="check:disk")

    bodies = [item.body for item in spool.batch(1000, 1 << 20)]
    assert bodies[0] == b"facts"
    assert bodies[-1] == b"099" * 50
    assert spool.depth.bytes <= 2000 + 300


def test_results_about_ever_new_subjects_stay_within_a_hard_bound_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    spool = Spool(store, 20_000)
    store.keep(LAYOUTS, f"{spool.id} 0123456789abcdef")
    spool.add_result("layout", b"{}", same="0123456789abcdef", subject="layout:0123456789abcdef")
    spool.add_sample(b"[]")
    for number in range(1000):
        spool.add_result("checks", b"%03d" % number * 50, same=str(number), subject=f"check:{number}")
        assert spool.depth.results <= 2 * 20_000

    waiting = spool.batch(10_000, 1 << 30)
    assert spool.depth.bytes == sum(len(item.body) + OVERHEAD for item in waiting) > 20_000
    assert [item.body[:3] for item in waiting] == [b"%03d" % n for n in range(1000 - len(waiting), 1000)]
    assert store.fact(LOST) == str(1001 - len(waiting))
    assert store.fact(LAYOUTS) is None
    assert spool.depth.dropped == 1


def test_a_batch_keeps_both_bounds_and_always_moves_on(tmp_path: Path) -> None:
    spool = Spool(open_store(tmp_path, 1))
    for _ in range(5):
        spool.add_sample(b"x" * 1000)

    assert len(spool.batch(3, 1 << 20)) == 3
    assert len(spool.batch(100, 2500)) == 2
    assert len(spool.batch(100, 10)) == 1


def test_a_full_disk_drops_samples_and_makes_room_for_results(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    spool = Spool(store)
    for _ in range(200):
        spool.add_sample(b"x" * 1000)
    pages = store.sql.execute("PRAGMA page_count").fetchone()[0]
    store.sql.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(20):
        spool.add_sample(b"y" * 1000)
    spool.add_result("report", b"z" * 5000, same="r", subject="report")

    assert spool.depth.dropped > 0
    assert spool.batch(1000, 1 << 20)[-1].body == b"z" * 5000


def test_a_result_that_finds_no_room_at_all_is_told_to_its_sender(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    spool = Spool(store)
    pages = store.sql.execute("PRAGMA page_count").fetchone()[0]
    store.sql.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreFull):
        spool.add_result("report", b"z" * 100_000, same="r", subject="report")


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["header", "middle", "cut"])
def test_a_damaged_database_is_set_aside_and_counts_anew(tmp_path: Path, damage: str) -> None:
    store = open_store(tmp_path, 1)
    spool = Spool(store)
    before = spool.id
    for _ in range(300):
        spool.add_sample(b"x" * 500)
    store.close()
    path = tmp_path / "agent.db"
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[:100] = b"\xff" * 100
    elif damage == "middle":
        data[4096 : len(data) - 4096] = b"\xa5" * (len(data) - 8192)
    else:
        del data[len(data) // 3 :]
    path.write_bytes(data)
    spool = Spool(open_store(tmp_path, 1234))
    spool.add_sample(b"[]")

    assert spool.id != before
    assert spool.depth.items == 1
    assert (tmp_path / "agent.db.damaged-1234").exists()
