"""Simulated agents against a real server, bounded in number and time: progress on stderr, JSON on stdout.

    python -m tests.bench.fleet_sim --token-file FILE --agents 50 --processes 2 --duration 60
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import queue
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from guru_policy.errors import GuruError
from guru_wire.enrolment import read_token
from tests.bench.fleet_sim.identities import enrol, learn
from tests.bench.fleet_sim.machine import Fails
from tests.bench.fleet_sim.process import Orders, Told, live
from tests.bench.fleet_sim.stats import Snapshot, line, merged, quantile

MOST_AGENTS, MOST_PROCESSES = 20_000, 16


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fleet_sim", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--url", help="the server; default: what the token says")
    parser.add_argument("--token-file", type=Path, required=True, help="an enrolment token with uses enough")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--duration", type=float, default=0.0, help="seconds; 0: until SIGTERM")
    parser.add_argument("--names", default="sim-{n}", help="names; {n} counts from 1")
    parser.add_argument("--heartbeat", type=float, help="seconds; default: what the bundle says")
    parser.add_argument("--state", type=Path, default=Path("fleet_sim_state"), help="folder of identities")
    parser.add_argument("--spread", type=float, default=2.0, help="seconds over which all connect")
    parser.add_argument("--fail-check", action="append", default=[], metavar="NAME=HOSTS",
                        help="this check is critical on hosts that fit the pattern")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    given = parser.parse_args(argv)
    if not 1 <= given.agents <= MOST_AGENTS or not 1 <= given.processes <= MOST_PROCESSES:
        parser.error(f"1 to {MOST_AGENTS} agents in 1 to {MOST_PROCESSES} processes")
    if given.agents > 1 and "{n}" not in given.names:
        parser.error("--names needs {n}")
    if any("=" not in rule for rule in given.fail_check):
        parser.error("--fail-check is NAME=HOSTS, as disk=sim-1*")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 when it ran, else a GuruError's exit code."""
    given = _arguments(argv)
    names = [given.names.replace("{n}", str(number)) for number in range(1, given.agents + 1)]
    try:
        token = read_token(given.token_file.read_text())
        server = asyncio.run(learn(token, given.url))
        identities = uvloop.run(enrol(server, token, names, given.state))
    except GuruError as error:
        print(f"error[{error.code}]: {error.message}", file=sys.stderr)
        return error.exit_code
    fails = tuple(Fails(*rule.split("=", 1)) for rule in given.fail_check)
    count = min(given.processes, len(identities))
    orders = [
        Orders(place, server, tuple(identities[place::count]), given.heartbeat, fails, given.spread,
               given.duration, os.getpid())
        for place in range(count)
    ]
    total = _watch(orders, given.duration, given.quiet)
    times = total["times"]
    print(json.dumps({
        "agents": total["agents"], "connected": total["connected"], "serials": total["serials"],
        "counts": total["counts"], "converged_p50": quantile(times, 0.5),
        "converged_p95": quantile(times, 0.95), "convergences": len(times),
    }))
    return 0


def _watch(orders: Sequence[Orders], duration: float, quiet: bool) -> Snapshot:
    """Start the processes, show their progress, and end them by the time or by SIGTERM."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    children = [context.Process(target=live, args=(order, told)) for order in orders]
    newest: dict[int, Snapshot] = {}
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: stopping.append(got))
    for child in children:
        child.start()
    ends = time.monotonic() + duration if duration else None
    said = ""
    while not stopping and any(child.is_alive() for child in children):
        if ends and time.monotonic() >= ends:
            break
        _take(told, newest, 0.5)
        progress = line(merged(list(newest.values())))
        if progress != said and not quiet:
            said = progress
            print(progress, file=sys.stderr, flush=True)
    for child in children:
        if child.is_alive():
            child.terminate()
    deadline = time.monotonic() + 15
    while any(child.is_alive() for child in children) and time.monotonic() < deadline:
        _take(told, newest, 0.1)
    _take(told, newest, 0.1)
    for child in children:
        child.join(1)
        if child.is_alive():
            child.kill()
    return merged(list(newest.values()))


def _take(told: Told, newest: dict[int, Snapshot], wait: float) -> None:
    try:
        while True:
            place, snapshot = told.get(timeout=wait)
            newest[place] = snapshot
            wait = 0.01
    except queue.Empty:
        return


if __name__ == "__main__":
    sys.exit(main())
