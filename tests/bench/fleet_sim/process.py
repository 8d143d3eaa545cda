"""One process full of simulated agents. It ends by SIGTERM, by its time, or when its parent is gone."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import ssl
from typing import NamedTuple, TypeAlias

import uvloop

from tests.bench.fleet_sim.device import SimulatedDevice
from tests.bench.fleet_sim.identities import Identity, Server
from tests.bench.fleet_sim.machine import Fails
from tests.bench.fleet_sim.stats import Snapshot, Stats

Told: TypeAlias = "multiprocessing.Queue[tuple[int, Snapshot]]"


class Orders(NamedTuple):
    """What one process does. `parent` is the process id that it must not outlive."""

    place: int
    server: Server
    identities: tuple[Identity, ...]
    heartbeat: float | None
    fails: tuple[Fails, ...]
    spread: float
    duration: float
    parent: int


def live(orders: Orders, told: Told) -> None:
    """Run the agents and tell their counts once a second."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # the parent hears Ctrl-C and says SIGTERM
    uvloop.run(_live(orders, told))


async def _live(orders: Orders, told: Told) -> None:
    stats = Stats(len(orders.identities))
    context = ssl.create_default_context(cadata=orders.server.ca)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if orders.duration:
        loop.call_later(orders.duration + 5, stop.set)
    tasks = [
        asyncio.create_task(SimulatedDevice(
            identity, orders.server, context, stats,
            heartbeat=orders.heartbeat, fails=orders.fails, spread=orders.spread,
        ).run())
        for identity in orders.identities
    ]
    while not stop.is_set() and os.getppid() == orders.parent:
        told.put((orders.place, stats.snapshot()))
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            pass
    told.put((orders.place, stats.snapshot()))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
