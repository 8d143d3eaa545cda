"""`make bench`: runs the benchmarks one after the other and prints one table against the budgets.

    make bench                                  all; about ten minutes, five of them an idle agent
    make bench ARGS="language cli"              some
    make bench ARGS="agent --idle-seconds 30"   with a shorter look at the idle agent
    make bench ARGS="--json figures.json"       and the figures in a file
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench import (
    bench_agent,
    bench_cli,
    bench_compare,
    bench_fleet,
    bench_ingest,
    bench_jobs,
    bench_language,
    bench_large,
    bench_layers,
    bench_plan,
    bench_push,
    bench_query,
    bench_rights,
    bench_server,
    bench_signer,
    bench_top,
    bench_transfer,
)
from tests.bench.figures import Figure, document, table
from tests.bench.sizes import FULL, TINY, Size

BENCHES: Mapping[str, Callable[[Size], list[Figure]]] = {
    "language": bench_language.run,
    "plan": bench_plan.run,
    "push": bench_push.run,
    "fleet": bench_fleet.run,
    "cli": bench_cli.run,
    "ingest": bench_ingest.run,
    "jobs": bench_jobs.run,
    "query": bench_query.run,
    "compare": bench_compare.run,
    "top": bench_top.run,
    "server": bench_server.run,
    "rights": bench_rights.run,
    "signer": bench_signer.run,
    "layers": bench_layers.run,
    "large": bench_large.run,
    "transfer": bench_transfer.run,
    "agent": bench_agent.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """0 when everything was measured; 1 when something could not be, or with --strict missed its budget."""
    given = _arguments(argv)
    size = (TINY if given.tiny else FULL)._replace(
        programs=given.programs, **({"idle": given.idle_seconds} if given.idle_seconds is not None else {})
    )
    figures: list[Figure] = []
    failed: list[str] = []
    for name in given.benches or BENCHES:
        began = time.monotonic()
        _say(f"{name} ...")
        try:
            found = BENCHES[name](size)
        except KeyboardInterrupt:       # a table of what there is
            failed.append(name)
            break
        except Exception as error:      # whatever it is, the others are measured
            failed.append(name)
            _say(f"{name} could not be measured: {type(error).__name__}: {error}")
            continue
        figures += [figure._replace(what=f"{name}: {figure.what}") for figure in found]
        _say(f"{name} took {time.monotonic() - began:.0f} s")
    print(table(figures))
    if given.json:
        given.json.write_text(json.dumps({"machine": machine(), "figures": document(figures)}, indent=2) + "\n")
    missed = [figure.what for figure in figures if figure.verdict == "missed"]
    return 1 if failed or (given.strict and missed) else 0


def machine() -> dict[str, object]:
    """What was measured on, as far as it matters."""
    return {
        "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure against the budgets.")
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--idle-seconds", type=float, help="how long the idle agent is watched; 300 by default")
    parser.add_argument("--programs", metavar="FOLDER", default="",
                        help="keep Salt and Ansible there between two runs of `compare`")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a budget was missed")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that everything runs")
    given = parser.parse_args(argv)
    unknown = [name for name in given.benches if name not in BENCHES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHES)}")
    return given


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
