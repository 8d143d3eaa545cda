"""What is said on a link, whatever carries it: the handshake, then batches, pulls and fetches.

After the handshake nothing that the agent sends names a device: the link is the device.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection

from guru_policy.errors import GuruError, NotSignedIn, Unreachable, Unsupported, Untrusted
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.fleet import cloning
from guru_server.fleet.holding import EXCERPT, Counted, withhold
from guru_server.fleet.rekeying import switch
from guru_server.gateway.chunks import Chunks, question_of
from guru_server.gateway.desired import Downlink
from guru_server.gateway.devices import Known, keep_sealing_key, known, note_ahead, serials
from guru_server.gateway.frames import Broken, opened, parcels, written
from guru_server.gateway.handshake import DeviceRevoked, hello_of, prove, welcome
from guru_server.gateway.ingest import Delivery, Ingest, Parcel
from guru_server.gateway.limits import Bucket, Budgets, Limits
from guru_server.gateway.links import BROKEN, FULL, SPENT, Link, Registry
from guru_server.gateway.marks import Source, mark_of
from guru_server.gateway.orders import Orders
from guru_server.gateway.plain import plain
from guru_server.gateway.presence import Presence
from guru_server.gateway.rekeying import rekey_of
from guru_server.store.database import Database
from guru_wire.chunks import ChunkEnd, ChunkNo, Question
from guru_wire.link import Fetch, Hello, Rekeyed
from guru_wire.sealing import check_sealing_key

log = logging.getLogger("guru.gateway")

Lacking = Callable[[Connection, str, str], bool]        # whether a device's inventory is wanted anew, by tenant and id
INVENTORY_SINCE = 8                     # the LANGUAGE in which agents report it
IDENTITY_SINCE = 6                      # the LANGUAGE in which agents renew keys, and hear that they are held


class Full(GuruError):
    """This process has all the links that it may have."""

    code = "G0503"


class Talk:
    """The conversation with agents. One of it in a process; links are passed in."""

    def __init__(
        self, db: Database, bus: Bus, *, orders: Orders, ingest: Ingest, downlink: Downlink, registry: Registry,
        presence: Presence, link_key: Ed25519PrivateKey, trust: int, now: Clock, limits: Limits, lacking: Lacking,
        chunks: Chunks,
    ) -> None:
        self._db, self._bus, self._ingest, self._downlink, self._orders = db, bus, ingest, downlink, orders
        self._registry, self._presence, self._link_key = registry, presence, link_key
        self._now, self.limits, self._trust, self._lacking = now, limits, trust, lacking
        self._budgets, self._chunks = Budgets(limits), chunks
        self._ends: set[asyncio.Task[None]] = set()     # digests of whole files that are compared

    async def greet(self, data: bytes | str, server_nonce: str) -> Link:
        """The device's link when its Hello holds; the Welcome waits in it, and an older link has ended.

        Raises NotSignedIn or Unsupported, always after the same time; Broken; Full; Unreachable.
        """
        started = time.monotonic()
        hello = hello_of(opened(data, self.limits.frame))
        who, mark, serial, lacking = await self._db.read(self._look_up(hello))
        try:
            device = prove(hello, server_nonce, who)
        except (NotSignedIn, Unsupported) as refusal:
            if isinstance(refusal, DeviceRevoked) and who is not None:
                await self._withhold(who.tenant, hello.device, [Counted("hello", 1, len(data), "")])
            await asyncio.sleep(max(0.0, started + self.limits.refusal - time.monotonic()))
            raise
        held = await self._held(hello, device)
        serial = 0 if held else serial
        link = Link(
            Source(device.tenant, hello.device, hello.spool),
            language=hello.language,
            serial=serial,
            pulled=hello.serial,
            bucket=Bucket(self.limits.messages_burst, self.limits.messages_rate, time.monotonic()),
        )
        link.held, link.key = held, device.public_key
        link.rotate = not held and hello.language >= IDENTITY_SINCE and self._renews(device)
        sealing_key = _sealing_key(hello, device)
        if not self._registry.adopt(link):
            raise Full("this gateway has all the links it may have", hint="start another gateway")
        self._presence.connected(link, plain(hello.agent_version, 40))
        answer = welcome(self._link_key, hello, server_nonce, now=self._now(), mark=mark, serial=serial,
                         held=held, rotate=link.rotate, trust=self._trust, inventory=lacking and not held)
        link.answer(written(answer))
        self._orders.connected(link)
        if hello.serial > serial and not held:
            await self._note_ahead(link, hello.serial)
        if sealing_key:
            await self._note_sealing_key(link, sealing_key)
        return link

    def _look_up(self, hello: Hello) -> Callable[[Connection], tuple[Known | None, int, int, bool]]:
        """Reads the device, the mark of its spool, its newest serial, and whether its inventory is wanted anew."""
        def read(connection: Connection) -> tuple[Known | None, int, int, bool]:
            device = known(connection, hello.device)
            if device is None:
                return None, 0, 0, False
            mark = mark_of(connection, Source(device.tenant, hello.device, hello.spool))
            serial = serials(connection, [hello.device]).get(hello.device, 0)
            wanted = hello.language >= INVENTORY_SINCE and self._lacking(connection, device.tenant, hello.device)
            return device, mark, serial, wanted
        return read

    async def hear(self, link: Link, data: bytes | str) -> None:
        """Act on one frame; one against the rules ends the link. Waits while the link is full."""
        if link.ending is not None:
            return
        try:
            await self._act(link, opened(data, self.limits.frame), len(data))
        except Broken as broken:
            log.warning("device %s broke the rules of the link: %s", link.source.device, broken.message)
            link.end(BROKEN, broken.message)
        except GuruError as error:
            log.warning("device %s was not answered: %s", link.source.device, plain(error.message))
            link.end(FULL, "the server cannot answer now")

    def leave(self, link: Link) -> None:
        """The carrier is gone."""
        if self._registry.forget(link):
            self._presence.gone(link)

    def _renews(self, device: Known) -> bool:
        return device.rotate_asked or self._now() - device.key_at > self.limits.key_age * 1000

    async def _held(self, hello: Hello, device: Known) -> str:
        """How the device is held: as it was, or from now on since another machine has its key."""
        before = cloning.read(device.processes)
        if before.after(hello.process) == before:
            return device.held
        now = self._now()
        if not await self._db.write(
            lambda connection: cloning.note(connection, device.tenant, hello.device, hello.process, now)
        ):
            return device.held
        log.warning("device %s is in quarantine: %s", hello.device, cloning.CLONED)
        await self._bus.publish("revoked", [hello.device])
        await self._bus.publish("checks", [hello.device])
        return "quarantined"

    async def _withhold(self, tenant: str, device: str, items: Sequence[Counted]) -> None:
        """Count what came and believe nothing of it."""
        now = self._now()
        try:
            await self._db.write(lambda connection: withhold(connection, tenant, device, items, now))
        except Unreachable as error:
            log.warning("what device %s sent was not counted: %s", device, plain(error.message))

    async def _count(self, link: Link, items: Sequence[Parcel], size: int) -> None:
        """A batch of a held device: counted and never acknowledged, so that the device keeps it."""
        if not items or not await self._afford(link, len(items), size):
            return
        kinds = Counter(one.kind for one in items)
        excerpts = {one.kind: repr(one.body)[:EXCERPT] for one in items}
        await self._withhold(link.source.tenant, link.source.device, [
            Counted(kind, count, size * count // len(items), excerpts[kind]) for kind, count in kinds.items()
        ])

    async def _rekey(self, link: Link, message: dict[str, JsonValue]) -> None:
        """The device's own wish to have another key: the old one is worth nothing once this is committed."""
        source, old, now = link.source, link.key, self._now()
        asked = rekey_of(message, source.device, old)
        await self._db.write(lambda connection: switch(connection, source.tenant, source.device, old, asked, now))
        link.key, link.rotate = base64.b64decode(asked.public_key), False
        link.answer(written(Rekeyed(public_key=asked.public_key)))
        await self._bus.publish("inventory", [source.device])

    async def _note_ahead(self, link: Link, serial: int) -> None:
        """The device holds a manifest that this database lost: it needs one with a serial above."""
        source = link.source
        try:
            news = await self._db.write(
                lambda connection: note_ahead(connection, source.tenant, source.device, serial)
            )
        except Unreachable as error:    # it says so again with its next handshake
            log.warning("what device %s holds was not kept: %s", source.device, plain(error.message))
            return
        if news:
            log.warning("device %s holds serial %d, newer than any known here", source.device, serial)
            await self._bus.publish("inventory", [source.device])

    async def _note_sealing_key(self, link: Link, key: str) -> None:
        """The device's secrets are sealed to another key from now on."""
        source = link.source
        try:
            await self._db.write(lambda connection: keep_sealing_key(connection, source.tenant, source.device, key))
        except Unreachable as error:    # it says so again with its next handshake
            log.warning("the sealing key of device %s was not kept: %s", source.device, plain(error.message))
            return
        await self._bus.publish("inventory", [source.device])

    async def _act(self, link: Link, message: dict[str, JsonValue], size: int) -> None:
        self._presence.spoke(link)
        kind = message.get("t")
        question = question_of(kind, message) if isinstance(kind, str) else None
        if question is not None:
            await self._about_chunk(link, question)
            return
        fetch = _fetch_of(message) if kind == "fetch" else None
        if fetch is not None and fetch.digest in link.allowed:
            link.answer(await self._downlink.fetch(link, fetch))
            await self._wait_for_room(link)
            return                      # not counted: one waits for its answer's way out
        self._count_one(link)
        if kind == "batch" and link.held:
            await self._count(link, parcels(message), size)
        elif kind == "rekey" and link.rotate:
            await self._rekey(link, message)
        elif kind == "batch":
            await self._take_in(link, message, size)
        elif fetch is not None:
            link.answer(await self._downlink.fetch(link, fetch))
        elif kind == "pull":
            link.answer(await self._downlink.pull(link))
        else:
            raise Broken("a message of no known type")

    async def _about_chunk(self, link: Link, question: Question) -> None:
        """Answer it. What brings a file on is not counted: one waits for its answer's way out."""
        if isinstance(question, ChunkEnd) and not link.held:
            self._count_one(link)
            task = asyncio.create_task(self._compare(link, question))      # it takes long, and others go on meanwhile
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)
            return
        held = ChunkNo(transfer=question.transfer, reason="this device is held")
        reply = held if link.held else await self._chunks.answer(link.source.device, question)
        if isinstance(reply, ChunkNo):
            self._count_one(link)
        link.answer(written(reply))
        await self._wait_for_room(link)

    async def _compare(self, link: Link, question: ChunkEnd) -> None:
        """Have all of a file compared; without an answer the device asks again."""
        try:
            link.answer(written(await self._chunks.answer(link.source.device, question)))
        except GuruError as error:
            log.warning("what device %s sent was not compared: %s", link.source.device, plain(error.message))

    def _count_one(self, link: Link) -> None:
        if not link.bucket.take(time.monotonic()):
            raise Broken("more messages than a link may send")

    async def _take_in(self, link: Link, message: dict[str, JsonValue], size: int) -> None:
        items = parcels(message)
        if not items or not await self._afford(link, len(items), size):
            return
        await link.room(inflight=self.limits.inflight, outgoing=self.limits.outbox)
        link.received(items[-1].seq, size)
        await self._ingest.put(Delivery(link.source, items, size, link.stored))

    async def _afford(self, link: Link, items: int, size: int) -> bool:
        """Take a batch from the device's budget, after a wait when that is spent; False when it stays so.

        Nothing is read meanwhile, and nothing is lost: the device keeps what was not acknowledged.
        """
        budget = self._budgets.of(link.source.device, time.monotonic())
        debt = budget.debt(time.monotonic())
        if debt:
            log.info("device %s sends more than it may and is slowed down", link.source.device)
            await asyncio.sleep(min(debt, self.limits.slower))
        if debt > self.limits.slower:
            link.end(SPENT, "this device sent more than it may in an hour; the rest is for later")
            return False
        budget.spend(items, size)
        return link.ending is None

    async def _wait_for_room(self, link: Link) -> None:
        try:
            async with asyncio.timeout(self.limits.handshake):
                await link.room(inflight=self.limits.inflight, outgoing=self.limits.outbox)
        except TimeoutError as cause:
            raise Broken("it asks for more than it takes") from cause


def _sealing_key(hello: Hello, device: Known) -> str:
    """The sealing key in a hello, when it is news; Broken when the device's key did not sign for it."""
    if hello.sealing_key in ("", device.sealing_key):
        return ""
    try:
        check_sealing_key(hello.sealing_key, hello.sealing_proof, device.public_key)
    except Untrusted as cause:
        raise Broken("a hello's sealing key is signed by the device's key") from cause
    return hello.sealing_key


def _fetch_of(message: dict[str, JsonValue]) -> Fetch:
    try:
        return Fetch.model_validate(message)
    except ValidationError as cause:
        raise Broken("a fetch names a digest and an offset") from cause
