"""Doors open and close as the table of tenants says, and one that cannot be opened keeps no other from being."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guru_policy.errors import Conflict, InputInvalid, NotFound, NotSignedIn, Refused, Unreachable
from guru_server.accounts.tokens import Minter
from guru_server.store.binding import LANDLORD, whose
from guru_server.store.database import Database
from guru_server.tenants import store
from guru_server.tenants.houses import House, Houses
from guru_server.tenants.quotas import Quotas
from guru_server.tenants.switchboard import Switchboard

ResultT = TypeVar("ResultT")


class Street:
    """Houses of which each says its name, and what became of them."""

    def __init__(self, db: Database) -> None:
        self.db, self.left, self.running = db.of(LANDLORD), list[str](), set[str]()
        self.broken: set[str] = set()
        self.board = Switchboard(self._said("main"))
        self.houses = Houses(db, self.board, self._build)

    def _said(self, name: str) -> Switchboard:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Response(f"{name} {scope['path']}")(scope, receive, send)

        return app      # type: ignore[return-value]

    def _build(self, name: str) -> House:
        if name in self.broken:
            raise NotFound("its keys are not here")

        async def job() -> None:
            self.running.add(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.running.discard(name)

        return House(self._said(name), {"job": job}, self.db.of(name), lambda: self.left.append(name))

    async def make(self, name: str) -> None:
        await self.db.write(lambda connection: store.create(connection, name, Quotas(), 1))

    async def put(self, name: str, state: store.State) -> None:
        await self.db.write(lambda connection: store.put(connection, name, state, 2))

    async def get(self, path: str) -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.board), base_url="https://x") as http:
            return (await http.get(path)).text


class Away(Database):
    """A handle of a database that goes away."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._engines, db.url)
        self.asked, self.gone = 0, False

    def of(self, tenant: str) -> Database:
        self.tenant = tenant
        return self

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        self.asked += 1
        if self.gone:
            raise Unreachable("the database is away")
        return await super().read(work)


async def test_doors_follow_the_table(db: Database) -> None:
    street = Street(db)
    street.broken.add("broken")
    for name in ("broken", "rival"):
        await street.make(name)
    told = []
    for change in (None, "suspended", "active"):
        if change is not None:
            await street.put("rival", change)
        await street.houses.look()
        async with asyncio.timeout(30):
            while bool(street.running) != bool(street.board.doors):
                await asyncio.sleep(0.01)
        told.append((await street.get("/t/rival/x"), set(street.running), list(street.left)))
    await street.db.write(lambda connection: store.begin_deleting(connection, "rival", 3))
    await street.houses.look()

    assert told == [
        ("rival /x", {"rival"}, []), ("main /t/rival/x", set(), ["rival"]), ("rival /x", {"rival"}, ["rival"]),
    ]
    assert (street.running, street.left, street.board.doors) == (set(), ["rival"] * 2, {})
    with pytest.raises(Refused, match="being deleted"):
        await street.put("rival", "active")


async def test_every_door_is_closed_when_the_server_ends(db: Database) -> None:
    street = Street(db)
    await street.make("rival")
    running = asyncio.create_task(street.houses.run())
    async with asyncio.timeout(30):
        while not street.running:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (street.running, street.left, street.board.doors) == (set(), ["rival"], {})


async def test_doors_stay_open_while_the_database_is_away(db: Database) -> None:
    street = Street(db)
    street.houses = Houses(away := Away(db), street.board, street._build, look=0.01)
    await street.make("rival")
    running = asyncio.create_task(street.houses.run())
    async with asyncio.timeout(30):
        while not street.running:
            await asyncio.sleep(0.01)
        before, away.gone = away.asked, True
        while away.asked < before + 3:
            await asyncio.sleep(0.01)
    still = set(street.board.doors)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert still == {"rival"}


async def test_names_are_names_once_and_the_first_tenant_stays(db: Database) -> None:
    street = Street(db)
    await street.make("rival")
    for name, error in (("rival", Conflict), ("Rival", InputInvalid), ("a/b", InputInvalid), ("*", InputInvalid),
                        ("main", Conflict), ("..", InputInvalid), ("x" * 33, InputInvalid), ("", InputInvalid)):
        with pytest.raises(error):
            await street.make(name)
    with pytest.raises(Refused, match="server's own"):
        await street.put("main", "suspended")
    with pytest.raises(NotFound):
        await street.put("ghost", "suspended")

    assert [one.name for one in await street.db.read(store.every)] == ["main", "rival"]


async def test_a_handle_that_is_shut_finishes_what_was_begun_and_begins_nothing(db: Database) -> None:
    handle, begun, go = db.of("rival"), threading.Event(), threading.Event()

    def slow(connection: Connection) -> str:
        begun.set()
        go.wait(30)
        return whose(connection)

    first = asyncio.create_task(handle.write(slow))
    await asyncio.to_thread(begun.wait, 30)
    shutting = asyncio.create_task(handle.shut())
    await asyncio.sleep(0)
    early = shutting.done()
    with pytest.raises(Unreachable, match="not served any more"):
        await handle.read(whose)
    go.set()
    await shutting

    assert (early, await first, await db.read(whose)) == (False, "rival", "main")


def test_a_session_of_one_tenant_is_none_at_another_even_under_the_same_key() -> None:
    key = Ed25519PrivateKey.generate()
    token = Minter(key, "main").mint("a" * 32, "ada", "thumb", 1_000)

    assert Minter(key, "main").read(token, 2_000).user == "ada"
    for other in (Minter(key, "rival"), Minter(Ed25519PrivateKey.generate(), "main")):
        with pytest.raises(NotSignedIn):
            other.read(token, 2_000)
