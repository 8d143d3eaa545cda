"""Signs the chain's newest hash now and then, and carries what was signed to anchors. It signs no broken chain.

A checkpoint is signed only over rows that were followed from the checkpoint before, so that altered rows are
noticed at the next one. An anchor that fails is told, and tried again; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from guru_policy.errors import Conflict, GuruError, Refused, Unreachable
from guru_policy.text.flattening import plain
from guru_server.audit import checkpoints
from guru_server.audit.checkpoints import Anchored
from guru_server.audit.verifying import entries, start, step
from guru_server.clock import Clock
from guru_server.leases import Fence, held
from guru_server.signer.asking import Signatures
from guru_server.store.database import Database
from guru_wire.audit_chain import Break, Checkpoint, Position

log = logging.getLogger("guru.audit")
LOOK = 5.0                              # seconds between two looks at the head
AGAIN = 60.0                            # seconds after which a failed anchor is tried again
BATCH = 500                             # checkpoints that go to an anchor at once
Stage = Callable[[str], None]           # audit-signed, audit-anchored: fault tests kill the process there


class Anchor(Protocol):
    """A place outside the database that only ever grows. `quick`: it takes no network, so it may be last at a stop."""

    name: str
    place: str
    quick: bool

    async def extend(self, new: Sequence[Checkpoint], mark: str) -> str:
        """Put them there for good and return a mark for the next time; GuruError or OSError says why not."""
        ...


class Rhythm(NamedTuple):
    """When a checkpoint is due: after so many seconds or rows."""

    every: float
    rows: int


class Marker:
    """The work; `run` is for the lease `audit`."""

    def __init__(
        self, db: Database, clock: Clock, signer: Signatures, *, rhythm: Rhythm, before: Collection[str] = (),
        anchors: Sequence[Anchor] = (), stage: Stage = lambda _: None,
    ) -> None:
        self._db, self._clock, self._signer, self._rhythm, self._stage = db, clock, signer, rhythm, stage
        self._anchors, self._tenant = anchors, db.tenant
        self.keys = frozenset({
            base64.b64encode(signer.public("audit", db.tenant)).decode(), *before, *signer.trust(db.tenant)["audit"],
        })
        self._new = asyncio.Event()
        self.problem = ""               # why the newest rows are not signed

    async def run(self, fence: Fence) -> None:
        """Sign and anchor until cancelled, and once more then."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._marking(fence))
                for anchor in self._anchors:
                    group.create_task(self._carrying(anchor, fence))
        except* Conflict as lost:
            log.warning("signing the audit log ends: %s", lost.exceptions[0])
        finally:
            await self._last(fence)

    async def mark(self, fence: Fence | None, *, now_or_never: bool = False) -> Checkpoint | None:
        """Sign the head when that is due; Refused when the rows before it do not hold."""
        last, at, due = await self._db.read(self._look)
        if at.seq == last.seq or not (due or now_or_never):
            return None
        position: Position | None = last
        while position is not None and position.seq < at.seq:
            done = await self._db.read(lambda c, there=position: step(c, self._tenant, there, self.keys, {}))  # type: ignore[misc]
            if done.broken is not None:
                raise Refused(f"the audit log does not hold: {done.broken.why}", hint="`guru audit verify` tells more")
            position = done.at
        made = await asyncio.to_thread(self._signer.checkpoint, self._tenant, position or at, self._clock())
        await self._db.write(lambda connection: self._keep(connection, made, fence))
        self._stage("audit-signed")
        news, self._new = self._new, asyncio.Event()
        news.set()
        return made

    async def carry(self, anchor: Anchor, fence: Fence | None) -> int | None:
        """Bring an anchor what it lacks, and say how much that was; None when it failed, and that is noted."""
        known, new = await self._db.read(lambda connection: self._missing(connection, anchor))
        if not new:
            return 0
        try:
            mark = await anchor.extend(new, known.mark)
        except (GuruError, OSError) as error:
            told = plain(str(error), 512)
            if told != known.error:
                log.warning("the audit log is not anchored in %s: %s", anchor.place, told)
                await self._note(known._replace(error=told), fence)
            return None
        self._stage("audit-anchored")
        done = Anchored(anchor.name, known.place, new[-1].seq, mark, self._clock())
        await self._note(done, fence)
        return len(new)

    async def _marking(self, fence: Fence) -> None:
        while True:
            try:
                await self.mark(fence)
                self.problem = ""
            except (Refused, Unreachable) as error:
                if str(error) != self.problem:
                    log.error("%s", error)      # noqa: TRY400
                self.problem = str(error)
            await asyncio.sleep(min(LOOK, self._rhythm.every))

    async def _carrying(self, anchor: Anchor, fence: Fence) -> None:
        while True:
            news = self._new
            try:
                carried = await self.carry(anchor, fence)
            except Unreachable as error:
                log.warning("how far %s is cannot be looked up: %s", anchor.place, error)
                carried = None
            if carried is None:
                await asyncio.sleep(AGAIN)
            elif carried < BATCH:
                await news.wait()

    async def _last(self, fence: Fence) -> None:
        """What happened until the stop is signed, too, and anchored where that takes no network."""
        try:
            await self.mark(fence, now_or_never=True)
            for anchor in self._anchors:
                if anchor.quick:
                    await self.carry(anchor, fence)
        except GuruError as error:
            log.warning("the audit log was not signed at the stop: %s", error)

    def _look(self, connection: Connection) -> tuple[Position, Position, bool]:
        """The newest checkpoint's position, the head's, and whether a checkpoint is due."""
        at = checkpoints.head(connection, self._tenant).at
        newest = checkpoints.newest(connection, self._tenant)
        if newest is not None and newest.key not in self.keys:
            raise Refused(
                "the newest checkpoint was signed by another audit.key than this server's",
                hint="copy keys/audit.key from the other server, or name the old key in audit.keys",
            )
        begin = Position(newest.seq, newest.hash) if newest else start(connection, self._tenant, self.keys)
        if isinstance(begin, Break):
            raise Refused(f"the audit log does not hold: {begin.why}", hint="`guru audit verify` tells more")
        if begin.seq > at.seq:
            raise Refused(f"the audit log ends at row {at.seq}, and row {begin.seq} was signed")
        first = next(iter(entries(connection, self._tenant, begin.seq, 1)), None)
        age = abs(self._clock() - first.at) / 1000 if first else 0.0    # a clock that was set back is no excuse
        return begin, at, at.seq - begin.seq >= self._rhythm.rows or age >= self._rhythm.every

    def _keep(self, connection: Connection, made: Checkpoint, fence: Fence | None) -> None:
        if fence is not None:
            held(connection, fence)
        checkpoints.keep(connection, made)

    def _missing(self, connection: Connection, anchor: Anchor) -> tuple[Anchored, list[Checkpoint]]:
        """How far the anchor is, and the next checkpoints for it; a new place begins with the newest one."""
        place = plain(anchor.place, 512)
        known = checkpoints.anchors(connection, self._tenant).get(anchor.name)
        if known is None or known.place != place:
            newest = checkpoints.newest(connection, self._tenant)
            return Anchored(anchor.name, place), [newest] if newest else []
        return known, checkpoints.between(connection, self._tenant, known.seq + 1, most=BATCH)

    async def _note(self, anchored: Anchored, fence: Fence | None) -> None:
        def work(connection: Connection) -> None:
            if fence is not None:
                held(connection, fence)
            checkpoints.note_anchor(connection, self._tenant, anchored)

        await self._db.write(work)
