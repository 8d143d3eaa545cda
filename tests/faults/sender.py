"""A device on the real wire that keeps a ledger: what it sent, and what it was told is stored.

It makes everything an agent can report, and comes back at once whenever its link ends. It converges nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import ssl
import time
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from guru_wire.enrolment import read_token
from guru_wire.link import hello_bytes
from guru_wire.signing import sign
from guru_wire.uplink import Layout, Refusal, Report
from guru_wire.version import LANGUAGE, VERSION
from tests.bench.fleet_sim.identities import Identity, Server, enrol, learn
from tools.lab.rows import rows
from tools.lab.world import World

METRICS = ("cpu_percent",)
BATCH = 7
KINDS = ("sample", "report", "refusal", "unheard-of")


class Sender:
    """Puts items into its own memory, and sends them in order until they are acknowledged."""

    def __init__(self, server: Server, identity: Identity) -> None:
        self.device, self._server, self._key = identity.device, server, identity.private()
        self._context = ssl.create_default_context(cadata=server.ca)
        self._spool = secrets.token_hex(16)
        self._waiting: list[dict[str, Any]] = []
        self._seq, self._at = 0, int(time.time() * 1000) - 3_600_000
        self._news, self._quiet = asyncio.Event(), asyncio.Event()
        self.acknowledged = 0           # the highest sequence that anybody said is stored
        self.marks: list[int] = []      # as each connection was told; none may be below what was acknowledged
        self.lost: list[int] = []
        self.sent = dict.fromkeys(KINDS, 0)
        self._layout = hashlib.sha256("\n".join(METRICS).encode()).hexdigest()[:16]
        self._put("layout", Layout(hash=self._layout, metrics=METRICS).model_dump(mode="json"))

    @staticmethod
    async def enrolled(world: World, name: str) -> Sender:
        """A new device of acme."""
        token = read_token(world.enrolment_token("acme", "hq").read_text())
        server = await learn(token, None)
        [identity] = await enrol(server, token, [name], world.folder / "senders" / name)
        return Sender(server, identity)

    def fill(self, count: int) -> None:
        """`count` more items of every kind: samples, reports, refusals and something no server knows."""
        for _ in range(count):
            self._at += 1000
            self._put("sample", [self._layout, self._at, [1.0]])
            report = Report(
                run=secrets.token_hex(16), serial=0, revision="r", bundle="b", started_at=self._at,
                finished_at=self._at, cause="interval", converged=True, resources=(),
            )
            self._put("report", report.model_dump(mode="json"))
            self._put("refusal", Refusal(at=self._at, code="G0403", message="no").model_dump(mode="json"))
            self._put("unheard-of", {})
            for kind in KINDS:
                self.sent[kind] += 1
        self._quiet.clear()
        self._news.set()

    async def run(self) -> None:
        """Stay linked until cancelled."""
        while True:
            try:
                await self._link()
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(0.1)

    async def settled(self, timeout: float = 60) -> None:
        """Return when everything is acknowledged."""
        async with asyncio.timeout(timeout):
            await self._quiet.wait()

    def _put(self, kind: str, body: object) -> None:
        self._seq += 1
        self._waiting.append({"seq": self._seq, "kind": kind, "body": body})

    async def _link(self) -> None:
        url = f"wss{self._server.url.removeprefix('https')}/link"
        async with connect(url, ssl=self._context, compression=None, proxy=None, close_timeout=1) as socket:
            async with asyncio.timeout(20):
                await self._greet(socket)
            sending = asyncio.create_task(self._send(socket))
            try:
                async for data in socket:
                    said = orjson.loads(data)
                    if said["t"] == "ack":
                        self._stored(said["seq"])
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _greet(self, socket: ClientConnection) -> None:
        theirs, mine = orjson.loads(await socket.recv())["nonce"], secrets.token_hex(32)
        payload = hello_bytes(device=self.device, spool=self._spool, server_nonce=theirs, agent_nonce=mine)
        hello = {
            "t": "hello", "language": LANGUAGE, "device": self.device, "nonce": mine, "spool": self._spool,
            "agent_version": VERSION, "serial": 0,
            "signature": base64.b64encode(sign(self._key, "hello", payload)).decode(),
        }
        await socket.send(orjson.dumps(hello).decode())
        mark = orjson.loads(await socket.recv())["mark"]
        self.marks.append(mark)
        if mark < self.acknowledged:
            self.lost.append(self.acknowledged)
        self._stored(mark)

    async def _send(self, socket: ClientConnection) -> None:
        told = 0                        # of this connection: everything waiting is sent once more
        while True:
            self._news.clear()
            items = [item for item in self._waiting if item["seq"] > told]
            for first in range(0, len(items), BATCH):
                batch = items[first : first + BATCH]
                await socket.send(orjson.dumps({"t": "batch", "items": batch}).decode())
                told = batch[-1]["seq"]
            await self._news.wait()

    def _stored(self, seq: int) -> None:
        self.acknowledged = max(self.acknowledged, seq)
        self._waiting = [item for item in self._waiting if item["seq"] > seq]
        if not self._waiting:
            self._quiet.set()


def stored(world: World, sender: Sender) -> dict[str, int]:
    """What the database holds of this sender. Two of the kinds are counted by the server: doubles show."""
    one = {"device": sender.device}

    def number(query: str) -> int:
        return int(rows(world.database_url, query, one)[0][0] or 0)

    return {
        "sample": number("SELECT count(*) FROM sample_head WHERE device = :device"),
        "report": number("SELECT count(*) FROM run WHERE device = :device"),
        "refusal": number("SELECT sum(times) FROM refusal WHERE device = :device"),
        "unheard-of": number("SELECT sum(count) FROM refused_item WHERE device = :device"),
    }
