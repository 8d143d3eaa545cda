"""Wires an enrolled agent together and runs it until it is told to stop. It decides nothing itself."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from guru_agent.clock import Clock
from guru_agent.converge.loop import Converger, Machine
from guru_agent.executor import Executor
from guru_agent.host import open_host
from guru_agent.host.facts import KEY_FACT, gather
from guru_agent.host.metrics import read_metrics
from guru_agent.host.services import list_services
from guru_agent.installed import inspect_apart
from guru_agent.jobs.accepting import Acceptance
from guru_agent.jobs.looks import looks
from guru_agent.jobs.runner import Jobs
from guru_agent.jobs.scheduling import Scheduler
from guru_agent.link.carrier import Server, address, base_of
from guru_agent.link.courier import Courier
from guru_agent.link.dialling import Dialler
from guru_agent.link.following import Follower
from guru_agent.link.network import Near, Network
from guru_agent.link.session import Session
from guru_agent.logs import say
from guru_agent.memory import keep_small
from guru_agent.sampling.checks import CheckRunner
from guru_agent.sampling.heartbeat import Heartbeat
from guru_agent.sampling.intactness import Intactness
from guru_agent.sampling.inventory import Inventory
from guru_agent.sampling.standing import Standing, asking
from guru_agent.sampling.stocktaking import Stocktaking, looking
from guru_agent.sampling.verdicts import Verdicts
from guru_agent.settings import Settings, proxy_for
from guru_agent.state.blobs import Blobs
from guru_agent.state.desired import Desired
from guru_agent.state.identity import Identity, load_identity
from guru_agent.state.moving import Moving
from guru_agent.state.refusals import Refusals
from guru_agent.state.runs import Runs
from guru_agent.state.schedules import Schedules
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreDamaged, StoreFull, open_store, set_aside
from guru_agent.state.tpm import Tpm
from guru_agent.supervise import keep_alive
from guru_agent.systemd import Notifier
from guru_agent.tls import pinned
from guru_policy.errors import Conflict, GuruError
from guru_policy.inventory import Scalar
from guru_wire.uplink import ServiceState

if TYPE_CHECKING:
    from guru_agent.halves.far import Far

LOG = logging.getLogger(__name__)
STOP_LIMIT = 1.5                        # seconds for everything to end
BACKUPS, BLOBS, LOCK = "backups", "blobs", "agent.lock"


class Agent:
    """An enrolled device's parts, made from its state folder."""

    def __init__(self, settings: Settings, far: Far | None = None) -> None:
        """`far` opens every connection in the place of this process."""
        self._network: Network = far or Near()
        self.clock = Clock()
        self.identity: Identity = load_identity(settings.state, Tpm(settings.tpm))
        self.store: Store = open_store(settings.state, self.clock.now())
        self.store.belong_to(self.identity.device)
        self.blobs = Blobs(settings.state / BLOBS)
        self.spool = Spool(self.store, settings.spool_mib << 20)
        self.desired = Desired(self.store, self.blobs, self.identity)
        self.host = open_host(settings.root, self.desired.secret, far)
        doer = Executor(settings.root, settings.state / BACKUPS, self.blobs.read)
        self.inventory = Inventory(self.spool, self.desired, self.clock, self._facts, self._services)
        self.stocktaking = Stocktaking(
            self.store, self.spool, self.clock, looking(settings.root), settings.inventory
        )
        self.standing = Standing(
            self.identity.device, self.store, self.spool, self.desired, self.clock, asking(settings.root)
        )
        self.converger = Converger(
            self.store, self.spool, self.desired, Machine(self.host, doer), self.clock, self._changed
        )
        self._settings = settings
        self._refusals = Refusals(self.spool, self.clock)
        runs, known = Runs(self.store), Schedules(self.store)
        self._courier = Courier()
        self.scheduled = Jobs(
            self.store, self.spool, known, Acceptance(self.identity, runs, self.clock), self._refusals, self.clock,
            self.host, {}, private=settings.state, schedule=known.of,
        )
        self.orders = Jobs(
            self.store, self.spool, runs, Acceptance(self.identity, runs, self.clock), self._refusals, self.clock,
            self.host, looks(self.desired), private=settings.state, beside=self.scheduled,
            courier=self._courier, moving=Moving(self.store),
        )
        self.schedules = Scheduler(
            self.identity.device, self.desired, self.blobs, known, self.scheduled, self.clock)

    def jobs(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The loops of a running agent, by name."""
        verdicts = Verdicts(self.store, self.spool, self.clock)
        checks = CheckRunner(self.desired, self.host, verdicts, self.clock)
        heartbeat = Heartbeat(self.store, self.spool, self.desired, self.clock, self._metrics)
        return {
            "link": self._dialler().run,
            "converge": self.converger.run,
            "checks": checks.run,
            "files": Intactness(inspect_apart, verdicts, self.clock).run,
            "heartbeat": heartbeat.run,
            "inventory": self.inventory.run,
            "stocktaking": self.stocktaking.run,
            "standing": self.standing.run,
            "memory": keep_small,
            "jobs": self.orders.run,
            "scheduled": self.scheduled.run,
            "schedules": self.schedules.run,
        }

    def _dialler(self) -> Dialler:
        trusted = self.identity.trusted
        host, port = address(trusted.url)
        proxy = proxy_for(self._settings, host, port)
        server = Server(host, port, pinned(trusted.ca), proxy, trusted.ca, base_of(trusted.url))
        session = Session(
            self.identity, self.spool, self.desired, self.blobs, self.clock, self._refusals, self.orders,
            anew=self._anew, courier=self._courier,
        )
        follower = Follower(self.identity, self._settings.state)
        return Dialler(server, session, self.clock, self._linked, follower=follower, network=self._network)

    def _linked(self, state: str, carrier: str) -> None:
        link = {"state": state, "carrier": carrier, "since": self.clock.now()}
        before = orjson.loads(self.store.fact("link") or b"{}")
        if before.get("state") == state and before.get("carrier") == carrier:
            return
        try:
            self.store.keep("link", orjson.dumps(link).decode())
        except StoreFull:
            return                      # `status` is behind; nothing else reads it

    def _changed(self) -> None:
        """Something on the machine was changed by us."""
        self.inventory.look()
        self.stocktaking.look()

    def _anew(self) -> None:
        """The server wants the whole inventory, and the answers to standing queries with it."""
        self.stocktaking.anew()
        self.standing.anew()

    async def _facts(self) -> Mapping[str, Scalar]:
        return gather() | {KEY_FACT: self.identity.store}

    async def _metrics(self) -> Mapping[str, float | None]:
        return dict(read_metrics(await self.host.cpu_percent()))

    async def _services(self) -> tuple[ServiceState, ...]:
        return await list_services(self.host)


async def run_agent(settings: Settings, notifier: Notifier, *, halves: bool = False) -> None:
    """Run until SIGTERM or SIGINT. Raises what no loop could mend.

    With `halves` this process opens no connection: the half that carries does, in a process of its own.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with only_one(settings.state):
        far = _far(settings) if halves else None
        agent = Agent(settings, far)
        loops = agent.jobs() | ({"halves": far.run} if far is not None else {})
        trusted = agent.identity.trusted
        say(LOG, "started", device=trusted.device, server=trusted.url, serial=agent.desired.serial)
        jobs = [keep_alive(name, job) for name, job in loops.items()]
        tasks = [asyncio.create_task(job) for job in (*jobs, notifier.run(), _stopped(stop))]
        notifier.tell("READY=1")
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            notifier.tell("STOPPING=1")
            for task in done:
                task.result()
        except StoreDamaged:
            agent.store.close()
            set_aside(agent.store.path, agent.clock.now())
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=STOP_LIMIT)
            agent.store.close()
    say(LOG, "stopped")


def _far(settings: Settings) -> Far:
    from guru_agent.halves.far import Far

    return Far(settings.socket, settings.network_user)


async def converge_once(settings: Settings) -> bool:
    """One run from the last verified state, without the server; whether the machine is as it should be."""
    with only_one(settings.state):
        agent = Agent(settings)
        try:
            if agent.desired.current is None:
                raise GuruError(
                    "this device has no verified state yet",
                    hint="start `guru-agent run` and let it link once",
                )
            return (await agent.converger.once(agent.desired.current, "request")).converged
        finally:
            agent.store.close()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the state folder: Conflict when another agent does."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        raise GuruError(f"cannot use the state folder {folder}: {cause.strerror}") from cause
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            raise Conflict(
                f"an agent is running on {folder} already", hint="stop it first: systemctl stop guru-agent"
            ) from cause
        yield
    finally:
        os.close(descriptor)


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()
