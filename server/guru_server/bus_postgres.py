"""The bus between server processes on one PostgreSQL: NOTIFY from one batching connection, LISTEN on another.

Ids only, never contents. What is lost while a connection is away, every consumer's sweep finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping

import orjson
import psycopg
from psycopg import AsyncConnection

from guru_policy.errors import Unreachable
from guru_server.bus import WAITING, LocalBus, Subscription

log = logging.getLogger("guru.bus")
CHANNEL = "guru"
BATCH = 0.01                            # seconds that news is gathered before it is sent
PAYLOAD = 7_500                         # bytes; PostgreSQL takes less than 8,000
LONGEST = 5.0                           # seconds between two tries to connect


class PostgresBus:
    """Delivers at once in this process, within about 10 ms in every other. Let `run` run beside it."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._local = LocalBus()
        self._me = secrets.token_hex(4)
        self._news: dict[str, set[str]] = {}
        self._waiting = asyncio.Event()

    async def publish(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Tell all subscribers of `topic`, in every process."""
        told = frozenset(ids)
        self._local.deliver(topic, told)
        news = self._news.setdefault(topic, set())
        if len(news) < WAITING:
            news |= told
        self._waiting.set()

    def subscribe(self, topic: str) -> Subscription:
        """Hear of everything published to `topic` from now on."""
        return self._local.subscribe(topic)

    async def run(self) -> None:
        """Send and listen until cancelled, and connect again when a connection breaks."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(self._send))
            group.create_task(self._again(self._listen))

    async def close(self) -> None:
        """Send what waits, as far as that is possible at once."""
        if self._news:
            with contextlib.suppress(Unreachable, TimeoutError):
                async with asyncio.timeout(1):
                    async with await self._connect() as connection:
                        await self._flush(connection)

    async def _again(self, work: Callable[[AsyncConnection[tuple[str, ...]]], Awaitable[None]]) -> None:
        delay = 0.1
        while True:
            try:
                async with await self._connect() as connection:
                    delay = 0.1
                    await work(connection)
            except (Unreachable, psycopg.Error) as error:
                log.warning("the bus connects again: %s", str(error).strip().splitlines()[0][:200])
            await asyncio.sleep(delay)
            delay = min(LONGEST, delay * 2)

    async def _send(self, connection: AsyncConnection[tuple[str, ...]]) -> None:
        while True:
            await self._waiting.wait()
            await asyncio.sleep(BATCH)
            await self._flush(connection)

    async def _flush(self, connection: AsyncConnection[tuple[str, ...]]) -> None:
        news, self._news = self._news, {}
        self._waiting.clear()
        for payload in payloads(self._me, news):
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))

    async def _listen(self, connection: AsyncConnection[tuple[str, ...]]) -> None:
        await connection.execute("LISTEN guru")
        async for heard in connection.notifies():
            news = _news(heard.payload)
            if news is not None and news[0] != self._me:
                self._local.deliver(news[1], news[2])

    async def _connect(self) -> AsyncConnection[tuple[str, ...]]:
        try:
            return await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
        except psycopg.Error as cause:
            raise Unreachable("the database does not answer", hint="look at the database server") from cause


def _news(payload: str) -> tuple[str, str, frozenset[str]] | None:
    """Sender, topic and ids; None for what is not ours, since anybody with this database may send anything."""
    try:
        sender, topic, ids = orjson.loads(payload)
    except (ValueError, TypeError):
        return None
    if not isinstance(sender, str) or not isinstance(topic, str) or not isinstance(ids, list):
        return None
    return sender, topic, frozenset(one for one in ids if isinstance(one, str) and "\0" not in one)


def payloads(sender: str, news: Mapping[str, Collection[str]]) -> Iterator[str]:
    """The news as JSON texts that each fit into one NOTIFY."""
    for topic, ids in news.items():
        part: list[str] = []
        size = 0
        for one in sorted(ids):
            if part and size + len(one) + 3 > PAYLOAD - 100:
                yield orjson.dumps([sender, topic, part]).decode()
                part, size = [], 0
            part.append(one)
            size += len(one) + 3
        yield orjson.dumps([sender, topic, part]).decode()
