"""A TCP proxy on loopback that can cut, freeze and slow what it carries. It changes no byte of it.

With `keys` (a folder with a server's tls.key and tls.crt) it ends TLS itself, as a balancer or a company's
proxy does, and `route` chooses by the head of a connection's first request where it goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from tools.lab.ports import free_port

Route = Callable[[bytes], int | None]   # the head of the first request; None: refused with 403
PIECE = 1 << 16


class Proxy:
    """Carries connections to local ports from start() until stop(), in a thread of its own."""

    def __init__(self, route: int | Route, keys: Path | None = None) -> None:
        self._route: Route = (lambda head: route) if isinstance(route, int) else route
        self._keys = keys
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._pause = 0.0               # seconds before every piece
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = free_port()
        self.carried = 0                # connections that were let through

    @property
    def url(self) -> str:
        """What to dial."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; from now on `keys` must be there."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        """End every connection, and listen no more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection, and every new one, until mend()."""
        self._do(self._cut)

    def freeze(self) -> None:
        """Carry nothing, and let everybody wait, until mend()."""
        self._do(self._flowing.clear)

    def slow(self, pause: float) -> None:
        """Wait `pause` seconds before every piece of at most 64 KiB, until mend()."""
        self._do(lambda: setattr(self, "_pause", pause))

    def mend(self) -> None:
        """Carry everything again; what was frozen goes on."""
        self._do(self._mend)

    def _do(self, work: Callable[[], None]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (work(), done.set()))
        done.wait(10)

    def _cut(self) -> None:
        self._refusing = True
        self._flowing.set()
        for writer in self._writers:
            writer.transport.abort()

    def _mend(self) -> None:
        self._refusing, self._pause = False, 0.0
        self._flowing.set()

    async def _listen(self) -> None:
        context = None
        if self._keys is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._keys / "tls.crt", self._keys / "tls.key")
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port, ssl=context)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._cut()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n") if self._keys is not None else b""
        port = self._route(head)
        if port is None:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        self.carried += 1
        blind = None
        if self._keys is not None:
            blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        back, out = await asyncio.open_connection("127.0.0.1", port, ssl=blind)
        out.write(head)
        ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, out), (back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            out.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE):
            await self._flowing.wait()
            if self._pause:
                await asyncio.sleep(self._pause)
            writer.write(data)
            await writer.drain()
        await self._flowing.wait()
