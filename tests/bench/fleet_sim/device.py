"""One simulated agent: the real wire, a real key and a real TLS link; only the machine is made up."""

from __future__ import annotations

import asyncio
import base64
import random
import secrets
import ssl
import time
from collections import deque
from typing import NamedTuple

import orjson
from pydantic import BaseModel, JsonValue
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from guru_policy.bundle import Bundle, digest_of
from guru_policy.errors import GuruError, NotSignedIn, Untrusted
from guru_wire.link import MAX_FRAME, hello_bytes, welcome_bytes
from guru_wire.manifest import open_manifest
from guru_wire.signing import Signed, sign, verify
from guru_wire.uplink import Checks, Facts, Refusal
from guru_wire.version import LANGUAGE, VERSION
from tests.bench.fleet_sim.identities import Identity, Server
from tests.bench.fleet_sim.machine import Fails, Machine, layout
from tests.bench.fleet_sim.orders import believed, carried_out
from tests.bench.fleet_sim.stats import Stats

MOST_WAITING = 500                      # items of one device that wait for their acknowledgement
BACK_OFF = 60.0                         # seconds, full jitter
REPEAT_CHECKS = 900.0
STEP = 30.0                             # seconds for one answer

Frame = dict[str, JsonValue]


class Run(NamedTuple):
    """A report on its way: its sequence, the serial it is about, and when that was heard of."""

    seq: int
    serial: int
    heard: float


class SimulatedDevice:
    """Connects, converges and reports until cancelled."""

    def __init__(
        self, identity: Identity, server: Server, context: ssl.SSLContext, stats: Stats,
        *, heartbeat: float | None, fails: tuple[Fails, ...], spread: float,
    ) -> None:
        self._identity, self._server, self._context, self._stats = identity, server, context, stats
        self._key = identity.private()
        self._machine = Machine(identity.name, fails)
        self._fixed, self._spread = heartbeat, spread
        self._spool, self._seq, self._offset = secrets.token_hex(16), 0, 0
        self._waiting: deque[Frame] = deque()
        self._runs: deque[Run] = deque()
        self._bundle: Bundle | None = None
        self._serial, self._told, self._heard = 0, 0, 0.0
        self._answers: asyncio.Queue[Frame] = asyncio.Queue(8)
        self._news = asyncio.Event()
        self._jobs: set[str] = set()    # that were carried out
        self._started = time.monotonic()

    async def run(self) -> None:
        """Live: connect, and connect again after every end."""
        await asyncio.sleep(random.uniform(0, self._spread))
        self._put("layout", layout())
        machine = self._machine
        self._put("facts", Facts(at=self._now(), facts=machine.facts, services=machine.services()))
        tries = 0
        while True:
            try:
                await self._link()
                tries = 0
            except NotSignedIn as error:
                self._stats.counts["refused"] += 1
                self._stats.counts[f"refused: {error.message}"] += 1
                tries += 3
            except (OSError, WebSocketException, TimeoutError, GuruError) as error:
                self._stats.counts[f"ended: {type(error).__name__}"] += 1
                tries += 1
            await asyncio.sleep(random.uniform(0, min(BACK_OFF, 0.5 * 2**tries)))

    async def _link(self) -> None:
        url = f"wss{self._server.url.removeprefix('https')}/link"
        async with connect(
            url, ssl=self._context, compression=None, max_size=2 * MAX_FRAME, proxy=None, open_timeout=60,
            ping_interval=30, ping_timeout=60, close_timeout=2,
        ) as socket:
            await self._shake_hands(socket)
            self._stats.connected += 1
            try:
                await self._live(socket)
            finally:
                self._stats.connected -= 1
                self._stats.counts["links_lost"] += 1

    async def _live(self, socket: ClientConnection) -> None:
        self._answers = asyncio.Queue(8)
        works = [self._read(socket), self._converge(socket), self._beat(socket)]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _shake_hands(self, socket: ClientConnection) -> None:
        challenge = _opened(await asyncio.wait_for(socket.recv(), STEP))
        me, theirs, mine = self._identity.device, str(challenge["nonce"]), secrets.token_hex(32)
        payload = hello_bytes(device=me, spool=self._spool, server_nonce=theirs, agent_nonce=mine)
        signature = base64.b64encode(sign(self._key, "hello", payload)).decode()
        await _say(socket, {
            "t": "hello", "language": LANGUAGE, "device": me, "nonce": mine, "spool": self._spool,
            "agent_version": VERSION, "serial": self._serial, "signature": signature,
        })
        welcome = _opened(await asyncio.wait_for(socket.recv(), STEP))
        if welcome["t"] != "welcome":
            raise NotSignedIn(str(welcome.get("message", "the server refused the handshake")))
        now, mark, serial = (int(str(welcome[name])) for name in ("now", "mark", "serial"))
        signed = welcome_bytes(
            device=me, server_nonce=theirs, agent_nonce=mine, now=now, serial=serial, mark=mark
        )
        verify(self._server.link_key, "welcome", signed, base64.b64decode(str(welcome["signature"])))
        self._offset = now - int(time.time() * 1000)
        self._stats.counts["handshakes"] += 1
        self._acknowledged(mark)
        self._hear_of(serial)
        if self._waiting:
            await _say(socket, {"t": "batch", "items": list(self._waiting)})

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            frame = _opened(data)
            if frame["t"] == "ack":
                self._acknowledged(int(str(frame["seq"])))
            elif frame["t"] == "current":
                self._hear_of(int(str(frame["serial"])))
            elif frame["t"] == "order":
                await self._obey(socket, frame)
            elif frame["t"] != "cancel":        # what is ordered here is over at once
                await self._answers.put(frame)

    async def _obey(self, socket: ClientConnection, frame: Frame) -> None:
        """Answer an order, once for each job."""
        order = believed(frame, self._server.state_key, self._identity.device)
        if order is None:
            self._stats.counts["foreign orders"] += 1
        elif order.job not in self._jobs:
            self._jobs.add(order.job)
            self._stats.counts["orders"] += 1
            await self._send(socket, "run", carried_out(order, self._identity.name, self._now()))

    async def _converge(self, socket: ClientConnection) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._told <= self._serial:
                continue
            started, heard = self._now(), self._heard
            desired = await self._ask(socket, {"t": "pull"})
            if desired.get("manifest") is None:
                continue
            try:
                await self._become(socket, Signed.model_validate(desired["manifest"]), started, heard)
            except Untrusted as error:
                self._stats.counts["untrusted"] += 1
                refusal = Refusal(at=self._now(), code=error.code, message=error.message)
                await self._send(socket, "refusal", refusal)

    async def _become(self, socket: ClientConnection, signed: Signed, started: int, heard: float) -> None:
        manifest = open_manifest(
            signed, state_key=self._server.state_key, device=self._identity.device, newest=self._serial,
            now=self._now(),
        )
        self._bundle = Bundle.model_validate_json(await self._fetched(socket, manifest.bundle))
        for blob in manifest.blobs:
            await self._fetched(socket, blob)
        report = self._machine.converge(self._bundle, manifest, started, self._now(), self._serial == 0)
        self._serial = manifest.serial
        seq = await self._send(socket, "report", report)
        self._runs.append(Run(seq, manifest.serial, heard))
        await self._send_checks(socket)

    async def _fetched(self, socket: ClientConnection, digest: str) -> bytes:
        received = bytearray()
        while True:
            chunk = await self._ask(socket, {"t": "fetch", "digest": digest, "offset": len(received)})
            total = int(str(chunk["total"]))
            received += base64.b64decode(str(chunk["data"]))
            if len(received) >= total or not chunk["data"]:
                break
        if digest_of(bytes(received)) != digest:
            raise Untrusted(f"the bytes of {digest[:12]} are others than the manifest names")
        return bytes(received)

    async def _beat(self, socket: ClientConnection) -> None:
        checked = time.monotonic()
        while True:
            every = self._fixed or (self._bundle.agent.heartbeat if self._bundle else 60)
            await asyncio.sleep(every * random.uniform(0.9, 1.1))
            values = self._machine.sample(time.monotonic() - self._started)
            await self._send(socket, "sample", [layout().hash, self._now(), values])
            self._stats.counts["heartbeats"] += 1
            if time.monotonic() - checked > REPEAT_CHECKS:
                checked = time.monotonic()
                await self._send_checks(socket)

    async def _send_checks(self, socket: ClientConnection) -> None:
        if self._bundle is not None and self._bundle.checks:
            results = self._machine.verdicts(self._bundle.checks, self._now())
            await self._send(socket, "checks", Checks(results=results))

    async def _ask(self, socket: ClientConnection, question: Frame) -> Frame:
        await _say(socket, question)
        return await asyncio.wait_for(self._answers.get(), STEP)

    async def _send(self, socket: ClientConnection, kind: str, body: BaseModel | JsonValue) -> int:
        item = self._put(kind, body)
        await _say(socket, {"t": "batch", "items": [item]})
        return self._seq

    def _put(self, kind: str, body: BaseModel | JsonValue) -> Frame:
        self._seq += 1
        plain: JsonValue = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        item: Frame = {"seq": self._seq, "kind": kind, "body": plain}
        self._waiting.append(item)
        if len(self._waiting) > MOST_WAITING:
            oldest = next((one for one in self._waiting if one["kind"] == "sample"), self._waiting[0])
            self._waiting.remove(oldest)
        return item

    def _acknowledged(self, seq: int) -> None:
        while self._waiting and int(str(self._waiting[0]["seq"])) <= seq:
            self._waiting.popleft()
            self._stats.counts["acknowledged"] += 1
        while self._runs and self._runs[0].seq <= seq:
            run = self._runs.popleft()
            self._stats.converged(self._identity.device, run.serial, time.monotonic() - run.heard)

    def _hear_of(self, serial: int) -> None:
        if serial > self._serial:
            self._told, self._heard = serial, time.monotonic()
            self._news.set()

    def _now(self) -> int:
        return int(time.time() * 1000) + self._offset


async def _say(socket: ClientConnection, frame: Frame) -> None:
    await socket.send(orjson.dumps(frame).decode())


def _opened(data: str | bytes) -> Frame:
    frame: Frame = orjson.loads(data)
    return frame
