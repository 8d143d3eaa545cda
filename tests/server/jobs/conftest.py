"""A wired server, devices that say they are linked, and the words of devices without a link."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from guru_server.fleet.tables import device_state
from guru_server.gateway.items import Received
from guru_server.jobs.coordinating import Coordinator
from guru_server.jobs.delivering import Words, orders_of
from guru_server.jobs.recording import RunRecorder
from guru_server.jobs.signing import Signer
from guru_server.keys.keys import ServerKeys
from guru_server.leases import Lease
from guru_server.store.schema import TENANT
from guru_wire.running import Output, Run
from tests.server.conftest import Api


class Office:
    """The server from both sides: people over HTTP, devices by what they say."""

    def __init__(self, api: Api, keys: ServerKeys) -> None:
        self.api, self.keys = api, keys
        self._recorder = RunRecorder(api.clock)
        self.coordinator = Coordinator(api.db, api.bus, Signer(keys.signer), api.clock)
        self._lease = Lease(api.db, "jobs", "test")

    async def devices(self, *names: str, linked: bool = True) -> list[str]:
        """New devices, on a link or away."""
        found = [await self.api.device(name) for name in names]
        if linked:
            await self.link(*found)
        return found

    async def link(self, *devices: str) -> None:
        """They are on a link now."""
        now = self.api.clock()

        def write(connection: Connection) -> None:
            for one in devices:
                mine = (device_state.c.tenant == TENANT, device_state.c.device == one)
                connection.execute(device_state.update().where(*mine).values(connected="g", last_seen=now))

        await self.api.db.write(write)

    async def order(self, **ask: Any) -> dict[str, Any]:
        """POST /jobs; the job."""
        asked = {"max_devices": 1000, **({} if "script" in ask else {"argv": ["true"]}), **ask}
        answer = await self.api.http.post("/jobs", json=asked)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["job"]
        return found

    async def give(self, *devices: str, again: bool = False) -> list[Words]:
        """What a gateway gives these devices."""
        now = self.api.clock()
        return await self.api.db.write(lambda connection: orders_of(connection, devices, again, now))

    async def say(self, device: str, **said: Any) -> None:
        """What a device says of a run."""
        await self.say_all(device, said)

    async def say_all(self, device: str, *said: dict[str, Any]) -> None:
        """The same, several at once."""
        items = [Received(TENANT, device, 1, Run(**one).model_dump(mode="json")) for one in said]
        await self.api.db.write(lambda connection: self._recorder.runs(connection, items))

    async def print(self, device: str, job: str, stream: str, *pieces: tuple[int, bytes]) -> None:
        """What a device prints: pieces with their places."""
        bodies = [
            Output(job=job, stream=stream, offset=at, data=base64.b64encode(data).decode()) for at, data in pieces
        ]
        items = [Received(TENANT, device, 1, body.model_dump(mode="json")) for body in bodies]
        await self.api.db.write(lambda connection: self._recorder.output(connection, items))

    async def look(self) -> None:
        """One look of the coordinator."""
        fence = await self._lease.acquire()
        assert fence is not None
        await self.coordinator.look(fence)

    async def get(self, path: str) -> Any:
        """GET a path of the API."""
        answer = await self.api.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def states(self, job: str) -> dict[str, str]:
        """The states of a job's runs by device name."""
        return {run["name"]: run["state"] for run in (await self.get(f"/jobs/{job}"))["runs"]}


def frames(words: Sequence[Words]) -> list[str]:
    return [frame for one in words for frame in one.frames]


@pytest.fixture
def office(api: Api, server_keys: ServerKeys) -> Office:
    return Office(api, server_keys)
