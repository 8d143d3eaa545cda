"""An enrolled device in a folder, a server double with real TLS, and the agent's parts wired around them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from guru_agent.clock import Clock
from guru_agent.host import open_host
from guru_agent.jobs.accepting import Acceptance
from guru_agent.jobs.runner import Jobs
from guru_agent.link.carrier import Server, address, base_of
from guru_agent.link.courier import Courier
from guru_agent.link.dialling import Dialler
from guru_agent.link.session import Session
from guru_agent.state.blobs import Blobs
from guru_agent.state.desired import Desired
from guru_agent.state.files import create_private
from guru_agent.state.identity import Trusted, load_identity
from guru_agent.state.moving import Moving
from guru_agent.state.refusals import Refusals
from guru_agent.state.runs import Runs
from guru_agent.state.spool import Spool
from guru_agent.state.store import open_store
from guru_agent.tls import pinned
from guru_wire.signing import key_id, public_bytes
from tests.agent.link_server import Fleet, LinkServer


def enrolled(folder: Path, fleet: Fleet, url: str) -> None:
    """Write the identity of the fleet's device into the folder."""
    folder.mkdir(exist_ok=True)
    create_private(folder / "device.key", base64.b64encode(fleet.device_key.private_bytes_raw()))
    trusted = Trusted(
        device=fleet.device, name="web-1", customer="acme", site="hq", url=url, ca=fleet.certificates.ca,
        state_key=base64.b64encode(public_bytes(fleet.state_key)).decode(),
        link_key=base64.b64encode(public_bytes(fleet.link_key)).decode(),
        key=key_id(public_bytes(fleet.device_key)),
    )
    create_private(folder / "trust.json", trusted.model_dump_json().encode())


class Parts:
    """The parts of an agent on a state folder."""

    def __init__(self, folder: Path, *, limit: int = 32 << 20) -> None:
        self.folder = folder
        self.clock = Clock()
        self.identity = load_identity(folder)
        self.store = open_store(folder, self.clock.now())
        self.blobs = Blobs(folder / "blobs")
        self.spool = Spool(self.store, limit)
        self.desired = Desired(self.store, self.blobs, self.identity)
        self.refusals = Refusals(self.spool, self.clock)
        self.runs = Runs(self.store)
        self.acceptance = Acceptance(self.identity, self.runs, self.clock)
        self.courier = Courier()
        self.jobs = Jobs(
            self.store, self.spool, self.runs, self.acceptance, self.refusals, self.clock, open_host(), {},
            courier=self.courier, moving=Moving(self.store),
        )
        self.link: list[tuple[str, str]] = []

    @asynccontextmanager
    async def linked(self, **tuning: float) -> AsyncIterator[None]:
        """Keep dialling the server of trust.json, with waits fit for a test."""
        ack_timeout = tuning.pop("ack_timeout", 30.0)
        trusted = self.identity.trusted
        server = Server(*address(trusted.url), pinned(trusted.ca), None, base_of(trusted.url))
        session = Session(
            self.identity, self.spool, self.desired, self.blobs, self.clock, self.refusals,
            self.jobs, ack_timeout=ack_timeout, courier=self.courier,
        )
        report = self.link.append
        dialler = Dialler(server, session, self.clock, lambda *now: report(now), longest=0.05, **tuning)
        tasks = [asyncio.create_task(job) for job in (dialler.run(), self.jobs.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.fixture
async def server(fleet: Fleet) -> AsyncIterator[LinkServer]:
    server = LinkServer(fleet)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def state(tmp_path: Path, fleet: Fleet, server: LinkServer) -> Path:
    """The state folder of a device that enrolled at the server."""
    enrolled(tmp_path / "state", fleet, server.url)
    return tmp_path / "state"


@pytest.fixture
def parts(state: Path) -> Iterator[Parts]:
    parts = Parts(state)
    yield parts
    parts.store.close()
