"""Somebody in the middle who holds the server's TLS key: passes frames on, and twists those on their way down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.agent.conftest import Parts, enrolled
from tests.agent.link_server import Fleet, until
from tests.server.gateway.conftest import Frame, Site

Twist = Callable[[str, Frame], Frame | None]        # device, frame -> what to pass on instead; None drops it


class Relay:
    """A proxy in front of the site's gateway."""

    def __init__(self, site: Site, fleet: Fleet) -> None:
        self._site, self._fleet = site, fleet
        self.twist: Twist = lambda _, frame: frame
        self.links: dict[str, ServerConnection] = {}
        self.seen: list[tuple[str, Frame]] = []     # what the gateway sent, untwisted
        self.held = asyncio.Event()                 # nothing goes down while it is not set
        self.held.set()
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take links until the end."""
        context = self._fleet.certificates.context
        async with serve(self._talk, "127.0.0.1", 0, ssl=context, compression=None) as server:
            self.url = f"https://localhost:{next(iter(server.sockets)).getsockname()[1]}"
            yield

    async def inject(self, device: str, message: BaseModel | Frame) -> None:
        """Say to a device what nobody sent."""
        said = message.model_dump(mode="json") if isinstance(message, BaseModel) else message
        await self.links[device].send(orjson.dumps(said).decode())

    async def _talk(self, link: ServerConnection) -> None:
        async with connect(self._site.socket_url, compression=None, max_size=None, proxy=None) as onward:
            try:
                await link.send(await onward.recv())
                hello = await link.recv()
                await onward.send(hello)
                await link.send(await onward.recv())
                device = str(orjson.loads(hello)["device"])
                self.links[device] = link
                async with asyncio.TaskGroup() as both:
                    both.create_task(_up(link, onward))
                    both.create_task(self._down(device, link, onward))
            except* ConnectionClosed:
                pass

    async def _down(self, device: str, link: ServerConnection, onward: ClientConnection) -> None:
        async for data in onward:
            frame: Frame = orjson.loads(data)
            self.seen.append((device, frame))
            await self.held.wait()
            passed = self.twist(device, frame)
            if passed is not None:
                await link.send(orjson.dumps(passed).decode())
        await link.close()


async def _up(link: ServerConnection, onward: ClientConnection) -> None:
    async for data in link:
        await onward.send(data)
    await onward.close()


@asynccontextmanager
async def behind(relay: Relay, site: Site, fleet: Fleet, folder: Path) -> AsyncIterator[Parts]:
    """A real agent of the site whose link leads through the relay."""
    agent = await site.enrol()
    fleet.state_key, fleet.link_key = site.state_key, site.link_key
    fleet.device, fleet.device_key = agent.id, agent.key
    enrolled(folder / agent.id, fleet, relay.url)
    parts = Parts(folder / agent.id)
    try:
        async with parts.linked():
            await until(lambda: agent.id in relay.links)
            yield parts
    finally:
        parts.store.close()
