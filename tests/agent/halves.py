"""Both halves of an agent as real processes, and a server double with real TLS that they link to."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.agent.conftest import enrolled
from tests.agent.link_server import Fleet, LinkServer, until
from tools.lab.processes import Child

BIN = Path(sys.executable).parent


class Halves:
    """The two processes of one device. `root` is its sandbox."""

    def __init__(self, folder: Path, fleet: Fleet, server: LinkServer) -> None:
        self.folder, self.fleet, self.server = folder, fleet, server
        self.state, self.root, self.socket = folder / "state", folder / "root", folder / "network.sock"
        self.root.mkdir()
        enrolled(self.state, fleet, server.url)
        self.executor: Child | None = None
        self.network: Child | None = None

    def decide(self) -> Child:
        """Start the half that decides."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        self.executor = Child(
            [str(BIN / "guru-agent"), "executor", "--state", str(self.state), "--root", str(self.root)],
            self.folder / "executor.log", {"GURU_AGENT_SOCKET": str(self.socket), "GURU_AGENT_NETWORK_USER": user},
        )
        return self.executor

    def carry(self, *argv: str) -> Child:
        """Start the half that carries; with `argv` something else in its place."""
        mine = [str(BIN / "guru-agent"), "network", "--socket", str(self.socket)]
        self.network = Child(list(argv) or mine, self.folder / "network.log")
        return self.network

    def stop(self) -> None:
        """End both."""
        for child in (self.executor, self.network):
            if child is not None:
                child.kill()

    async def linked(self, hellos: int = 1) -> None:
        """Wait until the device said hello so many times, and is linked."""
        await until(lambda: len(self.fleet.hellos) >= hellos and bool(self.server.links), 60)

    async def heard(self) -> None:
        """Wait until the device told something: it has taken the welcome, and an order from now on is new."""
        await until(lambda: bool(self.fleet.items), 60)

    async def ran(self, count: int = 1) -> list[dict]:
        """The ends of jobs that were told, when there are so many."""
        await until(lambda: len(self.ends()) >= count, 60)
        return self.ends()

    def ends(self) -> list[dict]:
        """The ends of jobs that were told."""
        return [body for body in self.fleet.of("run") if body.get("state", "succeeded") != "running"]


@asynccontextmanager
async def halves(folder: Path) -> AsyncIterator[Halves]:
    """A server, and a device that enrolled there."""
    fleet = Fleet(folder)
    server = LinkServer(fleet)
    await server.start()
    made = Halves(folder, fleet, server)
    try:
        yield made
    finally:
        made.stop()
        await server.stop()
