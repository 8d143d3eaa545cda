"""A real agent process, killed with -9 in the middle of a run: nothing lost, nothing told twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from guru_policy.bundle import Bundle, PlacedCheck, PlacedResource
from tests.agent.conftest import enrolled
from tests.agent.link_server import Fleet, LinkServer, until

pytestmark = pytest.mark.fault


class Process:
    """`guru-agent run` on a state folder, with a sandbox root."""

    def __init__(self, folder: Path) -> None:
        self.state, self.root = folder / "state", folder / "root"
        self.root.mkdir()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await self._spawn("run")

    async def end(self, number: signal.Signals) -> int:
        """Send the signal, and return the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        async with asyncio.timeout(30):
            await self._process.communicate()
        code, self._process = self._process.returncode, None
        return code or 0

    async def tell(self, *arguments: str) -> str:
        """What another verb prints."""
        process = await self._spawn(*arguments)
        out, _ = await process.communicate()
        return out.decode()

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "guru_agent.main", *arguments, "--state", self.state, "--root", self.root,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )


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
async def agent(tmp_path: Path, fleet: Fleet, server: LinkServer) -> AsyncIterator[Process]:
    enrolled(tmp_path / "state", fleet, server.url)
    process = Process(tmp_path)
    yield process
    await process.end(signal.SIGKILL)


def three(fleet: Fleet, seconds: float) -> Bundle:
    """A file, a command that takes its time, another file; and a check that is always fine."""
    slow = {"shell": f"touch began; sleep {seconds}; touch done", "unless": "test -f done"}
    check = PlacedCheck(id="fine", kind="script", every=1, spec={"shell": "true"})
    return fleet.bundle(
        PlacedResource(id="first", kind="file", spec={"path": "/etc/first", "content": "1"}),
        PlacedResource(id="slow", kind="command", spec=slow),
        PlacedResource(id="last", kind="file", after=("slow",), spec={"path": "/etc/last", "content": "2"}),
        checks=(check,), heartbeat=1, converge=2,
    )


def changes(fleet: Fleet, resource: str) -> int:
    """How often a change of the resource was reported."""
    return sum(
        one["id"] == resource and one["outcome"] == "changed"
        for report in fleet.of("report") for one in report["resources"]
    )


async def test_an_agent_killed_while_it_converges_ends_where_it_should(
    agent: Process, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(three(fleet, 1.0))
    await agent.start()
    await until((agent.root / "began").exists, 60)
    await agent.end(signal.SIGKILL)
    assert not (agent.root / "etc/last").exists()
    await agent.start()
    await until(lambda: changes(fleet, "last") == 1, 60)
    await agent.end(signal.SIGTERM)

    assert (agent.root / "etc/last").read_text() == "2"
    assert [changes(fleet, name) for name in ("first", "slow", "last")] == [1, 1, 1]


async def test_nothing_acknowledged_is_sent_again_over_many_kills(
    agent: Process, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(three(fleet, 0.0))
    for wanted in (1, 2, 3):
        await agent.start()
        await until(lambda wanted=wanted: len(fleet.of("sample")) >= wanted, 60)
        await agent.end(signal.SIGKILL)

    times = [body[1] for body in fleet.of("sample")]
    assert len(times) == len(set(times))
    assert len({hello.spool for hello in fleet.hellos}) == 1
    assert len(fleet.of("layout")) == 1


async def test_it_ends_cleanly_when_asked_and_tells_how_it_stands(
    agent: Process, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(three(fleet, 0.0))
    await agent.start()
    await until(lambda: fleet.of("report") and fleet.of("checks") and fleet.of("facts"), 60)
    code = await agent.end(signal.SIGTERM)
    told = await agent.tell("status")

    assert code == 0
    assert "serial 1" in told
    assert "converged at" in told


async def test_it_converges_alone_while_the_server_is_gone(
    agent: Process, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(three(fleet, 0.0))
    await agent.start()
    await until(lambda: fleet.of("report"), 60)
    await agent.end(signal.SIGKILL)
    await server.stop()
    (agent.root / "etc/first").write_text("drift")
    await agent.start()
    await until(lambda: (agent.root / "etc/first").read_text() == "1", 60)
    await server.start()
    await until(lambda: changes(fleet, "first") == 2, 90)

    assert fleet.of("report")[-1]["resources"][0]["change"] == "corrective"
