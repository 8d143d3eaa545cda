"""Runs accepted orders, a few at once, and tells how they went: at most once, and never more than is known.

That a job begins is on disk before it begins; how it ended is in the spool in the transaction that says so. What
was begun when the agent died is told as lost: it ran, nobody knows how far, and it is not run again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from guru_agent.clock import Clock
from guru_agent.jobs.accepting import Acceptance, Forgotten
from guru_agent.jobs.carrying import transfer_of
from guru_agent.jobs.child import Ending, end_leftovers
from guru_agent.jobs.queries import told_to
from guru_agent.jobs.starting import Starter
from guru_agent.jobs.tape import Tape
from guru_agent.link.courier import Courier
from guru_agent.logs import plain, say
from guru_agent.state.moving import Moving
from guru_agent.state.refusals import Refusals
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreFull
from guru_agent.supervise import Crashed, guarded
from guru_policy.errors import Untrusted
from guru_policy.host import Host
from guru_wire import link
from guru_wire.orders import MAX_LIFE_MS, Command, Expired, Order
from guru_wire.querying import Query
from guru_wire.running import OfSchedule, Run

LOG = logging.getLogger(__name__)
AT_ONCE, QUERIES, FOLLOWING = 4, 2, 2   # commands, queries and looks, and followed files that run at once
MOVING = 2                              # transfers
WAITING = 500                           # orders that wait for their turn; more are answered with a failure
QUICK = 0.15                            # seconds: what is over by then was never told as running
AGAIN = 5.0                             # seconds until a full disk is tried again
TIDY = 1.0                              # seconds after its end until what a job left behind is looked for
SLACK = 120.0                           # seconds beyond its timeout in which a job is ended and tidied up
UNLESS = 60.0                           # seconds that the question whether it is so already may take

Look = Callable[[Host, str], Awaitable[str]]
Schedule = Callable[[str], OfSchedule | None]


class Memory(Protocol):
    """What began and ended, on disk; see state/runs.py."""

    def knows(self, job: str) -> bool:
        """Whether it began or ended here."""

    def begin(self, job: str, expires_at: int, now: int) -> None:
        """Keep that it begins."""

    def end(self, job: str, expires_at: int, now: int) -> None:
        """Keep that it is over."""

    def begun(self) -> list[tuple[str, int, int]]:
        """What began and never ended."""


class Jobs:
    """The jobs of this device."""

    def __init__(
        self, store: Store, spool: Spool, runs: Memory, acceptance: Acceptance, refusals: Refusals, clock: Clock,
        host: Host, looks: Mapping[str, Look], *, private: Path | None = None, schedule: Schedule | None = None,
        beside: Jobs | None = None, courier: Courier | None = None, moving: Moving | None = None,
    ) -> None:
        """With `schedule`, which tells the Schedule of a run, what is printed goes with the end of a run.

        `beside` has other runs, which cancellations that come here may mean. With `moving` transfers that the agent's
        end interrupted are gone on with.
        """
        self._schedule, self._beside = schedule, beside
        self._store, self._spool, self._runs = store, spool, runs
        self._acceptance, self._refusals, self._clock = acceptance, refusals, clock
        self._host, self._looks, self._private, self._starter = host, looks, private, Starter(host, private)
        self._courier, self._moving = courier or Courier(), moving
        self._waiting: deque[Order] = deque()
        self._known: set[str] = set()   # waiting or running
        self._doing: set[str] = set()   # commands that run
        self._asking: set[str] = set()  # queries and looks that run
        self._following: set[str] = set()       # files that are followed
        self._carrying: dict[str, str] = {}     # transfers, by the job that runs
        self._cancels: dict[str, asyncio.Event] = {}
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def greeted(self, *, anew: bool) -> None:
        """A link stands; see Acceptance."""
        self._acceptance.greeted(anew=anew)

    def ordered(self, message: link.Order) -> None:
        """Take an order that came; what is not genuine is refused and reported, what was begun is passed over."""
        try:
            order = self._acceptance.order(message)
        except Expired as late:
            if late.job not in self._known and not self._runs.knows(late.job):
                self._settle(Run(job=late.job, state="expired", reason="it came after its time"), 0)
            return
        except Untrusted as error:
            self._refusals.tell(error, None)
            return
        if order is None or (isinstance(order, Order) and order.job in self._known):
            return
        if isinstance(order, Forgotten):
            reason = "this device's memory of jobs is newer than the order: whether it ran is unknown"
            self._settle(Run(job=order.job, state="lost", reason=reason), order.expires_at)
        else:
            self.take(order)

    def take(self, order: Order) -> None:
        """Run it when its turn comes."""
        if len(self._waiting) >= WAITING:
            full = "too many jobs wait on this device"
            self._settle(Run(job=order.job, state="failed", reason=full), order.expires_at)
        else:
            self._known.add(order.job)
            self._waiting.append(order)
            self._news.set()

    def busy(self, job: str) -> bool:
        """Whether it waits or runs."""
        return job in self._known

    def cancelled(self, message: link.Cancel) -> None:
        """End the job, or see to it that it never begins."""
        try:
            job = self._acceptance.cancel(message)
        except Untrusted as error:
            self._refusals.tell(error, None)
            return
        if self.end(job) or (self._beside is not None and self._beside.end(job)):
            return
        if not self._runs.knows(job):
            over = self._clock.now() + MAX_LIFE_MS
            self._settle(Run(job=job, state="cancelled", reason="it had not begun"), over)

    def end(self, job: str) -> bool:
        """End it when it runs or waits here; whether it did."""
        if job in self._cancels:
            self._cancels[job].set()
            return True
        waiting = next((order for order in self._waiting if order.job == job), None)
        if waiting is None:
            return False
        self._waiting.remove(waiting)
        self._known.discard(job)
        self._settle(Run(job=job, state="cancelled", reason="it had not begun"), waiting.expires_at)
        return True

    async def run(self) -> None:
        """Run what is ordered until cancelled; then end what still runs."""
        await self._recover()
        try:
            while True:
                self._news.clear()
                while (order := self._next()) is not None:
                    self._start_one(order, None)
                await self._news.wait()
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_one(self, order: Order, since: int | None) -> None:
        self._cancels[order.job] = asyncio.Event()
        task = asyncio.create_task(self._one(order, since))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next(self) -> Order | None:
        """The first order that may begin: commands and questions have lanes, so neither holds up the other."""
        for order in self._waiting:
            if transfer := transfer_of(order):
                if len(self._carrying) < MOVING and transfer not in self._carrying.values():
                    self._carrying[order.job] = transfer
                    self._waiting.remove(order)
                    return order
                continue
            lane, room = self._lane(order.command)
            if len(lane) < room:
                lane.add(order.job)
                self._waiting.remove(order)
                return order
        return None

    def _lane(self, command: Command) -> tuple[set[str], int]:
        """The jobs among which it runs, and how many of them may."""
        if command.file is not None and command.file.follow:
            return self._following, FOLLOWING
        asks = command.query is not None or command.file is not None
        return (self._asking, QUERIES) if asks else (self._doing, AT_ONCE)

    async def _recover(self) -> None:
        """What began before this program did: tell that its end is unknown, and end what is left of it."""
        for job, expires_at, started_at in self._runs.begun():
            order = self._moving.of(job) if self._moving is not None else None
            if order is not None:
                self._known.add(job)
                self._carrying[job] = transfer_of(order)
                self._start_one(_left(order, self._clock.now() - started_at), started_at)
                continue
            left = await end_leftovers(job)
            reason = "the agent ended while it ran: how far it came is unknown"
            reason += "; what was left of it was ended" if left else ""
            say(LOG, "a job was interrupted", logging.WARNING, job=job, left=left)
            self._settle(Run(job=job, state="lost", started_at=started_at, reason=reason), expires_at)

    async def _one(self, order: Order, since: int | None) -> None:
        """From its beginning to its end; it began before this program when `since` says when (ms UTC)."""
        try:
            if since is not None or await self._may_begin(order):
                await self._carry_out(order, since)
        finally:
            self._cancels.pop(order.job, None)
            self._carrying.pop(order.job, None)
            for lane in (self._asking, self._doing, self._following):
                lane.discard(order.job)
            self._known.discard(order.job)
            self._news.set()
        await asyncio.sleep(TIDY)
        left = await end_leftovers(order.job)
        if left:
            say(LOG, "what a job left behind was ended", logging.WARNING, job=order.job, processes=left)

    async def _may_begin(self, order: Order) -> bool:
        """Keep on disk that it begins; False when its time is over or it was cancelled meanwhile."""
        while True:
            if self._clock.now() >= order.expires_at:
                late = "its time was over when its turn came"
                self._settle(Run(job=order.job, state="expired", reason=late), order.expires_at)
                return False
            if self._cancels[order.job].is_set():
                self._settle(Run(job=order.job, state="cancelled", reason="it had not begun"), order.expires_at)
                return False
            try:
                with self._store.transaction():
                    self._runs.begin(order.job, order.expires_at, self._clock.now())
                    if self._moving is not None and transfer_of(order):
                        self._moving.keep(order)
            except StoreFull as full:
                say(LOG, "a job waits for room on the disk", logging.ERROR, job=order.job, reason=full.message)
                await asyncio.sleep(AGAIN)
            else:
                return True

    async def _carry_out(self, order: Order, since: int | None) -> None:
        started_at, began = since or self._clock.now(), self._clock.monotonic()
        goes_on = False
        said = Run(job=order.job, state="running", started_at=started_at)
        soon = asyncio.get_running_loop().call_later(QUICK, self._tell, said)
        tape = Tape(order.job, order.command.output, self._spool if self._schedule is None else None)
        ended = Run(job=order.job, state="failed", reason="the agent was stopped while it ran")
        try:
            found = await guarded(self._outcome(order, tape), order.command.timeout + SLACK)
            if isinstance(found, Crashed):
                found = Run(job=order.job, state="failed", reason=plain(found.message, 500))
            ended = found
        except asyncio.CancelledError:
            goes_on = self._moving is not None and bool(transfer_of(order))
            raise
        finally:
            soon.cancel()
            rest = tape.rest()
            took = round((self._clock.monotonic() - began) * 1000)
            whole = ended.model_copy(update={
                "started_at": started_at, "finished_at": self._clock.now(), "duration": took, "rest": rest,
                **tape.counts()._asdict(),
            })
            if not goes_on:             # the next start of the agent takes it up again
                await asyncio.shield(self._keep_settling(whole, order.expires_at))

    async def _outcome(self, order: Order, tape: Tape) -> Run:
        command = order.command
        if command.query is not None:
            return await self._queried(order, command.query, tape)
        if command.file is not None or command.change is not None or command.send is not None:
            return await self._about_file(order, tape)
        if command.look is not None:
            return await self._looked(order, tape)
        inside = command.inside
        script, unless = (command.script, command.unless) if inside is None else (inside.script, inside.unless)
        if unless is not None:
            asked = await self._start(order, unless, Tape(order.job, 0, self._spool), UNLESS)
            if asked.exit_code == 0:
                return Run(job=order.job, state="succeeded", reason="it is so already: nothing ran")
        ending = await self._start(order, script, tape, command.timeout)
        how = {"exit_code": ending.exit_code, "signal": ending.signal}
        if ending.cut == "timeout":
            reason = f"not done after {command.timeout} s: it was ended"
            return Run(job=order.job, state="timed_out", reason=reason, **how)
        if ending.cut:
            reason = "it was ended " + ("while it ran" if ending.cut == "cancel" else "before the command began")
            return Run(job=order.job, state="cancelled", reason=reason, **how)
        return Run(job=order.job, state="succeeded" if ending.exit_code == 0 else "failed", reason=ending.box, **how)

    async def _start(self, order: Order, script: str | None, tape: Tape, timeout: float) -> Ending:
        cancel = self._cancels[order.job]
        return await self._starter.start(order.job, order.command, script, tape, timeout, cancel)

    async def _looked(self, order: Order, tape: Tape) -> Run:
        look = self._looks.get(order.command.look or "")
        if look is None:
            return Run(job=order.job, state="failed", reason=f"this agent has no look {order.command.look}")
        try:
            async with asyncio.timeout(order.command.timeout):
                found = await look(self._host, order.command.about)
        except TimeoutError:
            return Run(job=order.job, state="timed_out", reason=f"not done after {order.command.timeout} s")
        tape.heard("out", found.encode())
        return Run(job=order.job, state="succeeded", exit_code=0)

    async def _about_file(self, order: Order, tape: Tape) -> Run:
        from guru_agent.jobs.file_runs import about_file
        from guru_agent.jobs.files import Grounds

        grounds = Grounds(Path(self._host.root) if self._host.root else None, self._private)
        return await about_file(order, grounds, self._courier.ask, tape.heard, self._cancels[order.job])

    async def _queried(self, order: Order, query: Query, tape: Tape) -> Run:
        root = Path(self._host.root) if self._host.root else None
        told = await told_to(query, root, tape.heard, self._cancels[order.job])
        return Run(job=order.job, state=told.state, reason=plain(told.reason, 500),
                   exit_code=0 if told.state == "succeeded" else None)

    def passed(self, said: Run) -> None:
        """Tell and keep that one is over that never began; again later when the disk is full."""
        self._settle(said, 0)

    def _tell(self, said: Run) -> None:
        """Put it into the spool; what does not fit is told at the end."""
        with contextlib.suppress(StoreFull):
            self._put(said)

    def _settle(self, said: Run, expires_at: int) -> None:
        """Tell an end and keep that the job is over, in one transaction; a full disk leaves both undone."""
        with contextlib.suppress(StoreFull):
            self._settled(said, expires_at)

    async def _keep_settling(self, said: Run, expires_at: int) -> None:
        while True:
            try:
                return self._settled(said, expires_at)
            except StoreFull as full:
                say(LOG, "how a job ended waits for room on the disk", logging.ERROR, reason=full.message)
            await asyncio.sleep(AGAIN)

    def _settled(self, said: Run, expires_at: int) -> None:
        now = self._clock.now()
        with self._store.transaction():
            self._put(said)
            self._runs.end(said.job, expires_at or now, now)
            if self._moving is not None:
                self._moving.forget(said.job)
        self._spool.arrived.set()

    def _put(self, said: Run) -> None:
        schedule = self._schedule(said.job) if self._schedule is not None else None
        body = said.model_copy(update={"schedule": schedule}).model_dump_json(exclude_defaults=True).encode()
        subject = f"run:{said.job}" if schedule is None else f"schedule:{schedule.name}"
        self._spool.add_result("run", body, same=f"run:{said.job}:{said.state}", subject=subject)


def _left(order: Order, passed: int) -> Order:
    """The same, with the time that is left of its own after so many ms."""
    left = max(1, order.command.timeout - max(0, passed) // 1000)
    return order.model_copy(update={"command": order.command.model_copy(update={"timeout": left})})
