"""`make fuzz`: mutated files through the loader, the compiler and fmt for a given time; what breaks is kept.

    make fuzz ARGS="--seconds 600"
    make fuzz ARGS="--seed 7 --cases 2000"
    make fuzz ARGS="api --examples 300"     requests to every operation of the API, made from its document
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from random import Random

from tests.fuzz.corpus import Sample, samples
from tests.fuzz.mutating import mutated
from tests.fuzz.trying import tried

SLOW, SLOWER = 2.0, 200                 # seconds of CPU, and times the median: both together are a find
SLOW_FORMAT = 20.0                      # seconds of CPU: fmt's two round trips of 64 KiB take 9, whatever is in them
MEMORY = 2 << 30                        # bytes of address space that one process may take
KEPT = 50                               # finds


def main() -> int:
    """1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="folder for what was found")
    parser.add_argument("what", nargs="?", choices=["files", "api"], default="files")
    parser.add_argument("--examples", type=int, default=100, help="of api: requests for each operation")
    asked = parser.parse_args()
    if asked.what == "api":
        return _api(asked.examples)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    corpus, began = samples(), time.monotonic()
    times: list[float] = []
    finds: dict[str, int] = {}
    case = 0
    while case < asked.cases and time.monotonic() - began < asked.seconds:
        sample = mutated(Random(f"{asked.seed}/{case}"), corpus)
        said = _found(sample, times)
        if said and said not in finds and len(finds) < KEPT:
            print(f"case {case}, {sample.path}, {len(sample.data)} bytes: {said}", flush=True)
            asked.keep.mkdir(exist_ok=True)
            (asked.keep / f"{asked.seed}-{case}.yaml").write_bytes(sample.data)
        if said:
            finds[said] = finds.get(said, 0) + 1
        case += 1
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{case} files, {sum(finds.values())} finds of {len(finds)} sorts; CPU seconds to read one: "
          f"median {times[len(times) // 2]:.4f}, most {times[-1]:.2f}; {peak} MiB at most")
    return 1 if finds else 0


def _api(examples: int) -> int:
    """The requests of tests/server/api/test_conformance.py, many more of them and others each time."""
    import pytest

    os.environ["GURU_API_EXAMPLES"] = str(examples)
    return int(pytest.main(["tests/server/api/test_conformance.py", "-n", "0", "--durations=3"]))


def _found(sample: Sample, times: list[float]) -> str:
    """What does not hold, in a line; empty when all does."""
    try:
        took = tried(sample)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:300]!a}"
    times.append(took.reading)
    median = sorted(times[-501:])[len(times[-501:]) // 2]
    if (took.reading > SLOW and took.reading > SLOWER * median) or took.formatting > SLOW_FORMAT:
        return f"slow: {sample.path}: {took.reading:.1f} s of CPU to read, {took.formatting:.1f} s to format"
    return ""


if __name__ == "__main__":
    sys.exit(main())
