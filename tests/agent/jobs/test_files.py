"""Looks at files: what is there comes whole, and only where the order's rules let it, whatever leads there."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import orjson
import pytest

from guru_agent.jobs import files
from guru_agent.jobs.files import Grounds, look_at
from guru_policy.errors import CannotLook, GuruError, InputInvalid, NotFound, Refused
from guru_wire.files import MAX_READ, FileLook
from guru_wire.orders import Command
from tests.agent.conftest import Parts
from tests.agent.jobs.test_runner import end, parts, printed, run, server
from tests.agent.link_server import Fleet, LinkServer

__all__ = ["parts", "server"]


class Place:
    """A sandbox with a few files, and what a look at it brings."""

    def __init__(self, root: Path) -> None:
        self.root, self.heard = root, bytearray()
        (root / "var/log").mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "var/log/app.log").write_text("".join(f"line {at}\n" for at in range(1, 101)))
        (root / "etc/shadow").write_text("root:secret\n")

    async def look(
        self, path: str, op: str = "read", lines: int = 0, allow: tuple[str, ...] = ("/**",),
        deny: tuple[str, ...] = (), private: Path | None = None,
    ) -> bytes:
        self.heard.clear()
        look = FileLook(op=op, path=path, lines=lines, allow=allow, deny=deny)      # type: ignore[arg-type]
        await look_at(look, Grounds(self.root, private), self._hear)
        return bytes(self.heard)

    def _hear(self, stream: str, data: bytes) -> bool:
        self.heard += data
        return True

    async def refused(self, path: str, **more: object) -> GuruError:
        with pytest.raises(GuruError) as caught:
            await self.look(path, **more)       # type: ignore[arg-type]
        assert b"secret" not in self.heard
        return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "root"
    root.mkdir()
    return Place(root)


async def test_a_file_comes_as_it_is_and_its_last_lines_from_a_file_of_any_size(place: Place) -> None:
    big = place.root / "var/log/big.log"
    with big.open("wb") as file:
        file.write(b"x" * (MAX_READ + 1000) + b"\nlast but one\nlast")

    assert await place.look("/var/log/app.log") == (place.root / "var/log/app.log").read_bytes()
    assert await place.look("/var/log/app.log", lines=2) == b"line 99\nline 100\n"
    assert await place.look("/var/log/app.log", lines=1000) == (place.root / "var/log/app.log").read_bytes()
    assert await place.look("/var/log/big.log", lines=2) == b"last but one\nlast"
    assert isinstance(await place.refused("/var/log/big.log"), InputInvalid)


async def test_what_is_empty_or_binary_comes_too(place: Place) -> None:
    (place.root / "empty").touch()
    (place.root / "bytes").write_bytes(bytes(range(256)) * 1000)

    assert await place.look("/empty") == b""
    assert await place.look("/bytes") == bytes(range(256)) * 1000


async def test_a_folder_is_listed_name_by_name_and_links_are_shown_and_not_followed(place: Place) -> None:
    (place.root / "etc/link").symlink_to("shadow")
    rows = [orjson.loads(line) for line in (await place.look("/etc/", "list")).splitlines()]

    assert [(row["name"], row["type"], row["target"]) for row in rows] == [
        ("link", "link", "shadow"), ("shadow", "file", "")]
    assert rows[1]["size"] == len("root:secret\n")
    assert isinstance(await place.refused("/etc/shadow/", op="list"), InputInvalid)


async def test_a_link_leads_nowhere(place: Place) -> None:
    (place.root / "var/log/link").symlink_to("/etc/shadow")
    (place.root / "var/log/up").symlink_to("../../etc")

    assert isinstance(await place.refused("/var/log/link", allow=("/var/log/**",)), Refused)
    assert isinstance(await place.refused("/var/log/up/shadow", allow=("/var/log/**",)), Refused)
    assert isinstance(await place.refused("/var/log/up/", op="list"), GuruError)


async def test_the_device_judges_by_itself_and_deny_wins(place: Place) -> None:
    logs = ("/var/log/**",)

    assert await place.look("/var/log/app.log", allow=logs)
    assert await place.look("/var/log/", "list", allow=logs)
    assert isinstance(await place.refused("/etc/shadow", allow=logs), Refused)
    assert isinstance(await place.refused("/etc/", op="list", allow=logs), Refused)
    assert isinstance(await place.refused("/etc/shadow", deny=("/etc/shadow",)), Refused)
    assert isinstance(await place.refused("/etc/shadow", allow=()), Refused)


async def test_on_the_machine_itself_what_a_link_of_roots_leads_to_is_judged(tmp_path: Path) -> None:
    heard = bytearray()

    def hear(stream: str, data: bytes) -> bool:
        heard.extend(data)
        return True

    look = FileLook(op="read", path="/proc/1/root/etc/hostname", allow=("/proc/**",))
    with pytest.raises(GuruError):
        await look_at(look, Grounds(None, None), hear)
    assert heard == b""


async def test_what_is_no_regular_file_is_not_opened_for_long(place: Place) -> None:
    os.mkfifo(place.root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place.root / "socket"))

        assert isinstance(await place.refused("/fifo"), Refused)
        assert isinstance(await place.refused("/socket"), GuruError)
    assert isinstance(await place.refused("/var"), InputInvalid)
    assert isinstance(await place.refused("/nothing"), NotFound)
    assert isinstance(await place.refused("/etc/shadow/x"), InputInvalid)


async def test_the_agents_own_folder_is_nobodys_business(place: Place) -> None:
    state = place.root / "var/lib/guru-agent"
    state.mkdir(parents=True)
    (state / "device.key").write_text("secret")

    assert isinstance(await place.refused("/var/lib/guru-agent/device.key", private=state), Refused)
    assert isinstance(await place.refused("/var/lib/guru-agent/", op="list", private=state), Refused)


async def test_a_second_name_that_others_could_have_given_a_file_is_refused(place: Place) -> None:
    shared = place.root / "tmp"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    (shared / "mine").hardlink_to(place.root / "etc/shadow")

    assert isinstance(await place.refused("/tmp/mine", allow=("/tmp/**",)), Refused)


async def test_a_file_that_changes_while_it_is_read_is_not_taken_for_whole_and_one_that_grows_is(place: Place) -> None:
    log = place.root / "var/log/app.log"
    log.write_bytes(b"x" * 300_000)
    size, changes = log.stat().st_size, [lambda: os.truncate(log, 100)]

    def hear(stream: str, data: bytes) -> bool:
        if changes:
            changes.pop()()
        return True

    look = FileLook(op="read", path="/var/log/app.log", allow=("/**",))
    with pytest.raises(CannotLook, match="changed while"):
        await look_at(look, Grounds(place.root, None), hear)

    log.write_bytes(b"x" * size)
    heard = bytearray()

    def grow(stream: str, data: bytes) -> bool:
        heard.extend(data)
        with log.open("ab") as file:
            file.write(b"more\n")
        return True

    await look_at(look, Grounds(place.root, None), grow)
    assert bytes(heard) == b"x" * size


async def test_a_look_that_finds_no_room_says_so(place: Place) -> None:
    with pytest.raises(CannotLook, match="could be kept"):
        await look_at(FileLook(op="read", path="/etc/shadow", allow=("/**",)), Grounds(place.root, None),
                      lambda stream, data: False)


async def test_a_folder_with_too_many_names_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ENTRIES", 10)
    full = place.root / "full"
    full.mkdir()
    for at in range(10):
        (full / str(at)).touch()
    listed = await place.look("/full/", "list")
    (full / "one more").touch()

    assert len(listed.splitlines()) == 10
    assert isinstance(await place.refused("/full/", op="list"), InputInvalid)


async def test_a_followed_file_brings_what_is_added_over_its_rotation_and_no_more_than_a_look_may(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "GLANCE", 0.01)
    log, heard = place.root / "var/log/app.log", bytearray()
    steps = iter([
        lambda: None, lambda: log.open("a").write("added\n"), lambda: log.write_text("cut\n"),
        lambda: log.rename(f"{log}.1"), lambda: log.write_text("renewed\n"), lambda: log.write_bytes(b"x" * MAX_READ),
    ])

    def hear(stream: str, data: bytes) -> bool:
        heard.extend(data)
        return True

    async def happen() -> None:
        for step, expected in zip(steps, (b"100", b"added", b"cut", b"cut", b"renewed", b"x"), strict=True):
            step()
            async with asyncio.timeout(20):
                while not bytes(heard).rstrip(b"\n").endswith(expected):
                    await asyncio.sleep(0.01)

    look = FileLook(op="read", path="/var/log/app.log", lines=1, follow=True, allow=("/var/log/**",))
    acting = asyncio.create_task(happen())
    await look_at(look, Grounds(place.root, None), hear)
    await acting

    assert bytes(heard).startswith(b"line 100\nadded\ncut\nrenewed\nx")
    assert len(heard) <= MAX_READ


async def test_a_followed_name_that_becomes_a_link_is_followed_nowhere(place: Place) -> None:
    log, heard = place.root / "var/log/app.log", bytearray()

    def hear(stream: str, data: bytes) -> bool:
        heard.extend(data)
        log.unlink(missing_ok=True)
        log.symlink_to("/etc/shadow")
        return True

    with pytest.raises(Refused):
        await look_at(FileLook(op="read", path="/var/log/app.log", lines=1, follow=True, allow=("/**",)),
                      Grounds(place.root, None), hear)
    assert bytes(heard) == b"line 100\n"


async def test_followed_files_hold_up_neither_commands_nor_queries_and_end_with_their_time(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("one\n")
    look = FileLook(op="read", path=str(log), lines=5, follow=True, allow=("/**",))
    for name in "3456":
        await server.say(fleet.order(Command(file=look, timeout=3), job=name * 32))
    found = await run(server, fleet, Command(argv=("true",)))
    ended = await run(server, fleet, Command(file=look, timeout=1), "7" * 32)

    assert found["state"] == "succeeded"
    assert (ended["state"], "followed" in ended["reason"]) == ("succeeded", True)
    assert printed(fleet, "out", "7" * 32) == b"one\n"


async def test_an_order_on_a_real_link_brings_a_file_and_tells_why_not(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    tmp_path.joinpath("note").write_text("hello\n" * 20_000)
    allowed = FileLook(op="read", path=str(tmp_path / "note"), allow=("/**",))
    found = await run(server, fleet, Command(file=allowed, output=MAX_READ))
    other = "2" * 32
    denied = await run(server, fleet, Command(file=allowed.model_copy(update={"allow": ("/etc/**",)})), other)

    assert (found["state"], printed(fleet, "out")) == ("succeeded", b"hello\n" * 20_000)
    assert (denied["state"], printed(fleet, "out", other)) == ("failed", b"")
    assert "may not look at" in end(fleet, other)["reason"]
