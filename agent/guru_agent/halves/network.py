"""The half that carries: TLS, HTTP, WebSocket and the proxy, as a user who may do nothing. It decides nothing.

It holds no key and no file. What it carries is signed for the device, or is checked by the half that decides; whoever
takes it over can lie to the server in the device's name while that lasts, and make the device do nothing.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import signal
from pathlib import Path

import orjson

from guru_agent.halves.frames import (
    ANSWER,
    ASK,
    DIAL,
    FAILED,
    HANG_UP,
    LOOK,
    OPENED,
    TEXT,
    Broken,
    Channel,
    Frame,
    Gone,
)
from guru_agent.link.carrier import Blocked, Carrier, LinkLost, Server, distrusted
from guru_agent.link.network import Near
from guru_agent.logs import say
from guru_agent.reaching import Direct
from guru_agent.systemd import Notifier
from guru_agent.tls import pinned
from guru_policy.errors import GuruError, Untrusted

LOG = logging.getLogger(__name__)
AGAIN = 0.25                            # seconds until the other half is looked for again
WAITING = 64                            # messages of the device that wait to be sent


async def run_network(path: Path, notifier: Notifier) -> None:
    """Carry for the half that listens at `path` until SIGTERM or SIGINT; it may come and go."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    say(LOG, "started", half="network", user=os.geteuid())
    tasks = [asyncio.create_task(job) for job in (_serve(path), notifier.run(), _stopped(stop))]
    notifier.tell("READY=1")
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    notifier.tell("STOPPING=1")
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=1.5)
    for task in done:
        task.result()


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def _serve(path: Path) -> None:
    while True:
        try:
            streams = await asyncio.open_unix_connection(path, limit=1 << 17)
        except OSError:
            await asyncio.sleep(AGAIN)
            continue
        channel = Channel(*streams, bytes((DIAL, ASK, LOOK, TEXT, HANG_UP)))
        try:
            channel.require({0, os.geteuid()})
            await Carrying(channel).run()
        except Broken as end:
            say(LOG, "the other half is waited for", reason=end.message)
        finally:
            channel.cut()
        await asyncio.sleep(AGAIN)


class Carrying:
    """What is carried for one connection to the other half: one link at a time, and questions beside it."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._network = channel, Near()
        self._link: _Link | None = None
        self._asked: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Do what is said until the other half is gone, which raises Broken."""
        try:
            while True:
                await self._do(await self._channel.receive())
        finally:
            self._hang_up()
            for task in self._asked:
                task.cancel()

    async def _do(self, frame: Frame) -> None:
        if frame.kind == DIAL:
            self._hang_up()
            self._link = _Link(self._channel, self._network, frame)
        elif frame.kind in (ASK, LOOK):
            task = asyncio.create_task(self._ask(frame))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
        elif self._link is not None and self._link.about == frame.about:
            if frame.kind == TEXT:
                await self._link.put(frame.payload)
            else:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    async def _ask(self, frame: Frame) -> None:
        try:
            found = self._network.trust(_server(frame.payload)) if frame.kind == ASK else look(frame.payload)
            answer = Frame(ANSWER, frame.about, await found)
        except GuruError as error:
            answer = Frame(FAILED, frame.about, told(error))
        await _tell(self._channel, answer)


class _Link:
    """One connection to the server, from dial to end."""

    def __init__(self, channel: Channel, network: Near, dial: Frame) -> None:
        self.about = dial.about
        self._channel, self._network, self._dial = channel, network, dial
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._over = False
        self._task = asyncio.create_task(self._run())

    async def put(self, text: bytes) -> None:
        """Take what the device says; waits while much waits, and takes nothing any more at the end."""
        if not self._over:
            await self._outbox.put(text)

    def end(self) -> None:
        """End it without a word."""
        self._shut()
        self._task.cancel()

    def _shut(self) -> None:
        self._over = True
        while not self._outbox.empty():         # whoever waits for room finds it
            self._outbox.get_nowait()

    async def _run(self) -> None:
        failed = told(LinkLost("the network half crashed"))
        try:
            await self._carry()
        except GuruError as error:
            failed = told(error)
        except Exception:
            LOG.exception("a link crashed")
        finally:
            self._shut()
        await _tell(self._channel, Frame(FAILED, self.about, failed))

    async def _carry(self) -> None:
        carrier = await self._open()
        parts = [asyncio.create_task(part) for part in (self._up(carrier), self._down(carrier))]
        try:
            await self._channel.send(Frame(OPENED, self.about))
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await carrier.close()

    async def _open(self) -> Carrier:
        server = _server(self._dial.payload)
        if orjson.loads(self._dial.payload)["how"] == "websocket":
            return await self._network.websocket(server)
        return await self._network.longpoll(server)

    async def _up(self, carrier: Carrier) -> None:
        while True:
            await carrier.send((await self._outbox.get()).decode())

    async def _down(self, carrier: Carrier) -> None:
        while True:
            await self._channel.send(Frame(TEXT, self.about, written_anew(await carrier.receive())))


async def look(wish: bytes) -> bytes:
    """What a check wants to know of the network, as JSON; `null` when nobody answered."""
    said = orjson.loads(wish)
    if said["what"] == "connect":
        return orjson.dumps(await Direct().connect(said["address"], said["port"], said["timeout"]))
    answer = await Direct().get(
        said["url"], timeout=said["timeout"], limit=said["limit"], verify=said["verify"]
    )
    if answer is None:
        return b"null"
    return orjson.dumps({
        "status": answer.status, "body": base64.b64encode(answer.body).decode(), "elapsed": answer.elapsed,
        "days": answer.certificate_days,
    })


def written_anew(data: str | bytes) -> bytes:
    """The JSON object that a frame is, as this half read it; LinkLost when it is none."""
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as cause:
        raise LinkLost("the server sent what is no message") from cause
    if not isinstance(said, dict):
        raise LinkLost("the server sent what is no message")
    return orjson.dumps(said)


async def _tell(channel: Channel, frame: Frame) -> None:
    """Say it; whoever is gone hears nothing."""
    with contextlib.suppress(Gone):
        await channel.send(frame)


def told(error: GuruError) -> bytes:
    """An error for the other half: which of the four it is, and a sentence."""
    kind = "unreachable"
    if isinstance(error, Untrusted) or distrusted(error):
        kind = "untrusted"
    elif isinstance(error, Blocked):
        kind = "blocked"
    elif isinstance(error, LinkLost):
        kind = "lost"
    return orjson.dumps({"kind": kind, "message": error.message[:500]})


def _server(payload: bytes) -> Server:
    """Where to dial, as the other half says."""
    said = orjson.loads(payload)
    return Server(said["host"], said["port"], pinned(said["ca"]), said["proxy"], said["ca"], said["base"])
