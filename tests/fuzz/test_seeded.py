"""A short run of the fuzzer with a fixed seed, and every file that it once found."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.corpus import Sample, samples
from tests.fuzz.mutating import MOST, mutated
from tests.fuzz.trying import tried

CASES = 240
PARTS = 8
CORPUS = samples()


def test_what_it_begins_with_holds_itself() -> None:
    assert len(CORPUS) > 75
    for sample in CORPUS:
        tried(sample)


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_files_end_in_bundles_or_in_faults_with_a_place(part: int) -> None:
    for case in range(part, CASES, PARTS):
        tried(mutated(Random(f"seeded/{case}"), CORPUS), large=False)


def test_the_same_seed_makes_the_same_file_and_none_is_too_large() -> None:
    made = [mutated(Random(f"twice/{case}"), CORPUS) for case in range(50)]

    assert made == [mutated(Random(f"twice/{case}"), CORPUS) for case in range(50)]
    assert max(len(sample.data) for sample in made) <= MOST


FOUND = {
    "a tab inside braces, which only one of two readers takes": Sample(
        "org/x.yaml", b'{"kind": "Policy", "apiVersion": "guru/v1", "metadata": {"name": "a"},\n \t"spec": {}}\n'),
}


@pytest.mark.parametrize("sample", FOUND.values(), ids=FOUND.keys())
def test_what_was_found_once_holds_now(sample: Sample) -> None:
    tried(sample)
