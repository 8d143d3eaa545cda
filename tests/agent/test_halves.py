"""An agent in two processes: one decides and has no network, one carries and has no rights."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from guru_agent.halves.far import Far
from guru_agent.halves.frames import ANSWER, DIAL, LOOK, MOST_TEXT, TEXT, Broken, Channel, Frame, Gone
from guru_agent.halves.network import written_anew
from guru_agent.host import open_host
from guru_agent.link.carrier import LinkLost, Server, address
from guru_agent.link.network import Network
from guru_agent.tls import pinned
from guru_policy.bundle import PlacedResource
from guru_policy.errors import CannotLook, GuruError, InputInvalid, Unreachable, Untrusted
from guru_wire.orders import Command
from tests.agent.halves import Halves, halves
from tests.agent.link_server import Certificates, until

ME = pwd.getpwuid(os.geteuid()).pw_name
MODELLESS = "import sys, guru_agent.main, guru_agent.halves.network; sys.exit('pydantic' in sys.modules)"


def inet(pid: int) -> list[str]:
    """The Internet sockets that a process holds."""
    held = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()}
    rows = [line.split() for table in ("tcp", "tcp6", "udp", "udp6")
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if f"socket:[{row[9]}]" in held]


async def test_it_links_converges_and_runs_jobs_and_the_half_that_decides_has_no_connection(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        spec = {"path": "/motd", "content": "hello\n"}
        lab.fleet.publish(lab.fleet.bundle(PlacedResource(id="motd", kind="file", spec=spec)))
        decides, carries = lab.decide(), lab.carry()
        await lab.linked()
        await until(lambda: (lab.root / "motd").exists())
        await lab.server.say(lab.fleet.order(Command(script="echo done")))
        [end] = await lab.ran()

        assert end["exit_code"] == 0
        assert inet(decides.pid) == []
        assert len(inet(carries.pid)) == 1


async def test_the_half_that_carries_may_be_killed_at_any_time(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        lab.decide()
        lab.carry()
        await lab.heard()
        order = lab.fleet.order(Command(script=f"echo x >>{lab.folder}/ran; sleep 1; echo x >>{lab.folder}/ended"))
        await lab.server.say(order)
        await until(lambda: (lab.folder / "ran").exists())
        assert lab.network is not None
        lab.network.kill()
        await until(lambda: (lab.folder / "ended").exists())       # it goes on without
        spec = {"path": "/motd", "content": "hello\n"}
        lab.fleet.publish(lab.fleet.bundle(PlacedResource(id="motd", kind="file", spec=spec)))

        lab.carry()
        await lab.linked(2)
        await lab.server.say(order)                                 # the server says it again: nobody told an end
        [end] = await lab.ran()
        await until(lambda: (lab.root / "motd").exists())

        assert end["exit_code"] == 0
        assert (lab.folder / "ran").read_text() == "x\n"


async def test_the_half_that_decides_may_be_killed_at_any_time(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        lab.decide()
        lab.carry()
        await lab.heard()
        order = lab.fleet.order(Command(script=f"echo x >>{lab.folder}/ran; sleep 60"))
        await lab.server.say(order)
        await until(lambda: (lab.folder / "ran").exists())
        assert lab.executor is not None
        lab.executor.kill()

        lab.decide()
        await lab.linked(2)
        await lab.server.say(order)
        [end] = await lab.ran()

        assert end["state"] == "lost"
        assert (lab.folder / "ran").read_text() == "x\n"


async def test_it_converges_from_its_last_state_with_nobody_to_carry(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        spec = {"path": "/motd", "content": "hello\n"}
        lab.fleet.publish(lab.fleet.bundle(PlacedResource(id="motd", kind="file", spec=spec), converge=1))
        lab.decide()
        carries = lab.carry()
        await until(lambda: (lab.root / "motd").exists(), 60)
        carries.kill()
        (lab.root / "motd").write_text("drifted\n")

        await until(lambda: (lab.root / "motd").read_text() == "hello\n", 60)


def test_the_half_that_carries_has_no_models_and_no_settings() -> None:
    done = subprocess.run([sys.executable, "-c", MODELLESS], timeout=60)

    assert done.returncode == 0


class Pair:
    """Far in this process, and a half that carries beside it as a task."""

    def __init__(self, lab: Halves) -> None:
        self.far = Far(lab.socket, ME, comes=20.0)
        trusted = lab.server.url
        self.server = Server(*address(trusted), pinned(lab.fleet.certificates.ca), None, lab.fleet.certificates.ca)

    async def __aenter__(self) -> tuple[Network, Server]:
        self._task = asyncio.create_task(self.far.run())
        return self.far, self.server

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_why_a_connection_failed_is_told_across(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab, Pair(lab) as (far, server):
        lab.carry()
        (tmp_path / "other").mkdir()
        other = Certificates(tmp_path / "other").ca
        with pytest.raises(Untrusted, match="certificate"):
            await far.websocket(server._replace(ca=other))
        with pytest.raises(Unreachable, match="answered 426"):
            await far.trust(server)             # it has no such page
        await lab.server.stop()
        with pytest.raises(Unreachable, match="cannot reach localhost"):
            await far.websocket(server)
        with pytest.raises(Unreachable, match="no answer from localhost"):
            await far.longpoll(server)


async def test_a_server_behind_a_tenant_s_door_is_dialled_there(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab, Pair(lab) as (far, server):
        lab.carry()
        door = server._replace(base="/t/acme")
        await (await far.websocket(door)).close()
        with pytest.raises(Unreachable, match="answered"):
            await far.trust(door)

        assert "/t/acme/link" in lab.server.paths


async def test_a_link_is_cut_and_the_next_one_opened(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab, Pair(lab) as (far, server):
        lab.carry()
        first = await far.websocket(server)
        challenge = await first.receive()
        await first.close()
        second = await far.websocket(server)
        await second.receive()
        await lab.server.stop()

        assert b'"t":"challenge"' in challenge
        with pytest.raises(LinkLost, match="closed"):
            await second.receive()
        with pytest.raises(LinkLost):
            await first.receive()


async def test_nobody_to_carry_is_said_in_words(tmp_path: Path) -> None:
    far = Far(tmp_path / "s", ME, comes=0.05)

    with pytest.raises(Unreachable, match="does not run"):
        await far.websocket(Server("localhost", 1, pinned(Certificates(tmp_path).ca)))
    with pytest.raises(InputInvalid, match="no user is called nobody-of-that-name"):
        Far(tmp_path / "s", "nobody-of-that-name")


async def test_a_place_that_is_no_socket_is_left_alone_and_a_dead_one_is_taken_over(
    tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(GuruError, match="is no socket"):
        await Far(tmp_path / "file", ME).run()
    async with halves(tmp_path) as lab:
        first = lab.decide()
        await until(lab.socket.exists)
        first.kill()
        assert lab.socket.exists()
        lab.decide()
        lab.carry()
        await lab.linked()
        mode = lab.socket.stat().st_mode & 0o777

    assert (tmp_path / "file").read_text() == "kept"
    assert mode == 0o660


@pytest.mark.parametrize("text", [b"[]", b"{", b"1", b'"x"', b"\xff", b""])
def test_what_is_no_object_goes_no_further(text: bytes) -> None:
    with pytest.raises(LinkLost):
        written_anew(text)


def test_an_object_is_written_anew() -> None:
    assert written_anew('{"t" :"ack", "seq":1, "seq":2}') == b'{"t":"ack","seq":2}'


async def channel(*data: bytes, known: bytes = bytes((TEXT,))) -> Channel:
    reader = asyncio.StreamReader()
    for one in data:
        reader.feed_data(one)
    reader.feed_eof()
    return Channel(reader, None, known)  # type: ignore[arg-type]  # it only reads


@pytest.mark.parametrize(("data", "error"), [
    (b"\0\0\0\1" + bytes((DIAL,)) + b"\0\0\0\1x", Broken),
    ((MOST_TEXT + 1).to_bytes(4) + bytes((TEXT,)) + b"\0\0\0\1", Broken),
    (b"\0\0", Gone), (b"\0\0\0\5" + bytes((TEXT,)) + b"\0\0\0\1abc", Gone),
])
async def test_a_frame_that_is_none_ends_the_talk(data: bytes, error: type[Broken]) -> None:
    with pytest.raises(error):
        await (await channel(data)).receive()


async def test_a_frame_comes_whole() -> None:
    read = await channel(b"\0\0\0\3" + bytes((TEXT,)) + b"\0\0\1\0abc")

    assert await read.receive() == Frame(TEXT, 256, b"abc")


async def test_another_user_is_not_heard(tmp_path: Path) -> None:
    other = next(one.pw_name for one in pwd.getpwall() if one.pw_uid != os.geteuid())
    async with halves(tmp_path) as lab:
        far = Far(lab.socket, other, comes=1.0)
        task = asyncio.create_task(far.run())
        lab.carry()
        with pytest.raises(Unreachable, match="does not run"):
            await far.websocket(Server("localhost", 1, pinned(lab.fleet.certificates.ca)))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)



class Page:
    """A web server on loopback that answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self.port = 0

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            self.asked.set()
            await self.may.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    async def __aenter__(self) -> Page:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def test_checks_look_over_the_network_from_the_half_that_carries(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab, Page() as page:
        pair = Pair(lab)
        async with pair:
            carries = lab.carry()
            host = open_host(None, reach=pair.far)
            took = await host.connect("127.0.0.1", page.port, 20.0)
            asking = asyncio.create_task(host.get(f"http://127.0.0.1:{page.port}/", timeout=20.0, limit=4))
            await page.asked.wait()
            held = inet(carries.pid)
            page.may.set()
            answer = await asking
            await lab.server.stop()
            refused = await host.connect("127.0.0.1", lab.server.port, 5.0)
            unknown = await host.get("http://no-such-host.invalid/", timeout=5.0, limit=4)

        assert took is not None
        assert len(held) == 1
        assert answer is not None
        assert (answer.status, answer.body, answer.certificate_days) == (200, b"hell", None)
        assert (refused, unknown) == (None, None)


@pytest.mark.parametrize("answer", [
    b"[]", b"{", b'{"status": 5, "body": "", "elapsed": 0, "days": null}', b"true", b"1e999", b'"x"',
    b'{"status": 200, "body": "%%%", "elapsed": -1, "days": null}',
])
async def test_what_is_no_answer_to_a_look_is_unknown(answer: bytes, tmp_path: Path) -> None:
    far = Far(tmp_path / "s", ME, comes=20.0)
    task = asyncio.create_task(far.run())
    await until((tmp_path / "s").exists)
    reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
    other = Channel(reader, writer, bytes((LOOK,)))

    async def answered() -> None:
        while True:
            await other.send(Frame(ANSWER, (await other.receive()).about, answer))

    answering = asyncio.create_task(answered())
    with pytest.raises(CannotLook, match="no answer"):
        await far.get("http://localhost/", timeout=5.0, limit=4)
    with pytest.raises(CannotLook, match="no answer"):
        await far.connect("localhost", 1, 5.0)
    writer.close()
    for one in (task, answering):
        one.cancel()
    await asyncio.gather(task, answering, return_exceptions=True)


async def test_without_the_half_that_carries_a_look_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(CannotLook, match="does not run"):
        await Far(tmp_path / "s", ME, comes=0.05).connect("localhost", 1, 5.0)
